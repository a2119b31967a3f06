/* Each part counts mistakes by `expect` of the soak guest, and returns how often it did what it is about. */
#ifndef CORNERS_H
#define CORNERS_H

#include "../soak/soak.h"

uint64_t fault_addresses(void);
uint64_t patch_for_others(void);
uint64_t set_breakpoints(void);
uint64_t far_deadlines(void);
/* Takes each processor away and brings it back, so often. */
uint64_t plug_processors(uint64_t rounds);

#endif

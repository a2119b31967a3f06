/* No work: what is left is the start and end of the machine. */
#include "bench.h"

uint64_t run(void) { return 0; }

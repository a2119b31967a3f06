/* The works that there are. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

struct work {
  const char *name;
  /* Does it so often, and returns a checksum that does not depend on how often. */
  uint64_t (*run)(long count);
};

/* Behind the last is one without a name. */
extern const struct work works[];

/* Says what went wrong, and ends the guest. */
_Noreturn void fail(const char *what);

#endif

/* How a benchmark is measured, and the words by which it is chosen. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

#include "benchmark.h"

/* When /init starts, the kernel still tests its ciphers in threads of its own, for seconds: on any vCPU, and longer on a
 * slower machine. */
void wait_for_kernel(int vcpus);
/* Measures and reports a benchmark, which is to take so many nanoseconds. */
void measure(const struct benchmark *benchmark, int64_t target);
int equal(const char *a, const char *b);
/* True if the name is in the list, or there is no list. */
int wanted(const char *name, const char *list);
int64_t read_number(const char *text);

#endif

/* Sequential memory: sum, copy, and a[i] = b[i] + 3 c[i] over a working set of KIB kibibytes. */
#include "bench.h"

#define WORDS (KIB * 1024L / 8 / 3)
/* The same amount of work for each size: 300 million words are read or written. */
#define ROUNDS (300000000L / 6 / WORDS + 1)

static uint64_t a[WORDS], b[WORDS], c[WORDS];

CALLED static uint64_t total(const uint64_t *from) {
  uint64_t sum = 0;
  for (long i = 0; i < WORDS; i++) sum += from[i];
  return sum;
}

CALLED static void copy(uint64_t *restrict to, const uint64_t *restrict from) {
  for (long i = 0; i < WORDS; i++) {
    to[i] = from[i];
    NEW_ROUND();
  }
}

CALLED static void triad(uint64_t *restrict to, const uint64_t *restrict x, const uint64_t *restrict y) {
  for (long i = 0; i < WORDS; i++) to[i] = x[i] + 3 * y[i];
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long i = 0; i < WORDS; i++) {
    b[i] = (uint64_t)i * 7;
    c[i] = (uint64_t)i ^ 0x55;
  }
  for (long round = 0; round < ROUNDS; round++) {
    triad(a, b, c);
    copy(b, a);
    sum = mix(sum, total(b));
  }
  return sum;
}

/* Lengths of strings, by fault-only-first loads and masks. */
#include "bench.h"

#define SIZE 8192
#define ROUNDS 60000

static char text[SIZE + 64];

CALLED static size_t length(const char *s) {
  const char *at = s;
  for (;;) {
    size_t vl;
    long found;
    __asm__ volatile(
        "vsetvli %0, zero, e8, m4, ta, ma\n"
        "vle8ff.v v8, (%2)\n"
        "csrr %0, vl\n"
        "vmseq.vi v0, v8, 0\n"
        "vfirst.m %1, v0\n"
        : "=&r"(vl), "=&r"(found)
        : "r"(at)
        : "memory");
    if (found >= 0) return (size_t)(at - s + found);
    at += vl;
  }
}

uint64_t run(void) {
  uint32_t random = 21;
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) text[i] = (char)('a' + next_random(&random) % 25);
  for (long round = 0; round < ROUNDS; round++) {
    uint32_t draw = next_random(&random);
    size_t start = draw & 4095, end = start + (draw >> 12) % (draw % 8 == 0 ? 4000 : 200);
    char kept = text[end];
    text[end] = 0;
    sum = mix(sum, length(text + start));
    text[end] = kept;
  }
  return sum;
}

/* Copies of many lengths and alignments, by vectors of bytes. */
#include "bench.h"

#define SIZE 65536
#define ROUNDS 4000

static uint8_t from[SIZE + 64], to[SIZE + 64];

CALLED static void copy(uint8_t *t, const uint8_t *f, size_t size) {
  while (size > 0) {
    size_t vl;
    __asm__ volatile(
        "vsetvli %0, %3, e8, m8, ta, ma\n"
        "vle8.v v0, (%2)\n"
        "vse8.v v0, (%1)\n"
        : "=&r"(vl)
        : "r"(t), "r"(f), "r"(size)
        : "memory");
    t += vl, f += vl, size -= vl;
  }
}

uint64_t run(void) {
  uint32_t random = 3;
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) from[i] = (uint8_t)next_random(&random);
  for (long round = 0; round < ROUNDS; round++) {
    uint32_t draw = next_random(&random);
    size_t size = 1 + (draw >> 8) % (draw % 4 == 0 ? SIZE : 512);
    copy(to + (draw & 31), from + (draw >> 5 & 31), size);
    sum = mix(sum, to[(draw & 31) + size / 2]);
  }
  return sum;
}

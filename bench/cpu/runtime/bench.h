/* The function that a kernel has to offer, and those that it may use. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Written by each kernel: does the work and returns a checksum of the result. */
uint64_t run(void);

/* Keeps a function call from being inlined, where the call is what the kernel measures. */
#define CALLED __attribute__((noinline))

/* Stops the compiler from knowing that memory is the same in each round. */
#define NEW_ROUND() __asm__ volatile("" ::: "memory")

/* Marsaglia's xorshift, shifts 13, 17, 5: the same numbers on each machine. State and result are never 0. */
static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *state = x;
  return x;
}

/* One step of a checksum in which order counts. */
static inline uint64_t mix(uint64_t sum, uint64_t value) {
  return (sum ^ value) * 0x9e3779b97f4a7c15u + (sum >> 29);
}

static inline uint64_t mix_double(uint64_t sum, double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return mix(sum, bits);
}

#endif

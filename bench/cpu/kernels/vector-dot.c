/* Sums of products of 8-bit integers with results of 32 bits, as neural networks have them: they widen, and add up. */
#include "bench.h"

#define SIZE 8192
#define ROUNDS 4000

static int8_t a[SIZE], b[SIZE];

CALLED static int32_t dot(const int8_t *x, const int8_t *y, size_t n) {
  int32_t sum;
  __asm__ volatile("vsetvli t0, zero, e32, m8, ta, ma\n vmv.v.i v16, 0\n" ::: "t0");
  while (n > 0) {
    size_t vl;
    __asm__ volatile(
        "vsetvli %0, %3, e8, m2, tu, ma\n"
        "vle8.v v0, (%1)\n"
        "vle8.v v4, (%2)\n"
        "vwmul.vv v8, v0, v4\n"
        "vsetvli zero, zero, e16, m4, tu, ma\n"
        "vwadd.wv v16, v16, v8\n"
        : "=&r"(vl)
        : "r"(x), "r"(y), "r"(n)
        : "memory");
    x += vl, y += vl, n -= vl;
  }
  __asm__ volatile(
      "vsetvli t0, zero, e32, m8, ta, ma\n"
      "vmv.s.x v0, zero\n"
      "vredsum.vs v0, v16, v0\n"
      "vmv.x.s %0, v0\n"
      : "=r"(sum)::"t0");
  return sum;
}

uint64_t run(void) {
  uint32_t random = 5;
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) a[i] = (int8_t)next_random(&random), b[i] = (int8_t)next_random(&random);
  for (long round = 0; round < ROUNDS; round++) {
    sum = mix(sum, (uint32_t)dot(a, b, SIZE - (size_t)round));
    a[round % SIZE] = (int8_t)sum;
  }
  return sum;
}

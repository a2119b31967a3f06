/* y = a x + y in single precision, by a fused multiply-add of vectors. */
#include "bench.h"

#define SIZE 4096
#define ROUNDS 3500

static float x[SIZE], y[SIZE];

CALLED static void saxpy(size_t n, float a, const float *x, float *y) {
  while (n > 0) {
    size_t vl;
    __asm__ volatile(
        "vsetvli %0, %4, e32, m8, ta, ma\n"
        "vle32.v v0, (%1)\n"
        "vle32.v v8, (%2)\n"
        "vfmacc.vf v8, %3, v0\n"
        "vse32.v v8, (%2)\n"
        : "=&r"(vl)
        : "r"(x), "r"(y), "f"(a), "r"(n)
        : "memory");
    x += vl, y += vl, n -= vl;
  }
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) x[i] = (float)(i % 97) / 31, y[i] = (float)(i % 89) / 7;
  for (long round = 0; round < ROUNDS; round++) {
    saxpy(SIZE - (size_t)round % 13, (float)(round % 11 - 5) / 64, x, y);
    sum = mix_double(sum, (double)y[round % SIZE]);
  }
  return sum;
}

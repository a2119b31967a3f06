/* Matrices of doubles: rows of the result stay in vector registers. */
#include "bench.h"

#define SIZE 96
#define ROUNDS 32

static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

CALLED static void row(double *to, const double *left) {
  for (size_t column = 0; column < SIZE;) {
    size_t vl;
    __asm__ volatile("vsetvli %0, %1, e64, m4, ta, ma\n vmv.v.i v8, 0\n" : "=r"(vl) : "r"(SIZE - column));
    for (size_t k = 0; k < SIZE; k++)
      __asm__ volatile("vle64.v v0, (%0)\n vfmacc.vf v8, %1, v0\n" ::"r"(&b[k][column]), "f"(left[k]) : "memory");
    __asm__ volatile("vse64.v v8, (%0)\n" ::"r"(to + column) : "memory");
    column += vl;
  }
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++)
    for (long j = 0; j < SIZE; j++) a[i][j] = (double)(i * 7 + j) / 13, b[i][j] = (double)(j * 5 - i) / 11;
  for (long round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < SIZE; i++) row(c[i], a[i]);
    sum = mix_double(sum, c[round % SIZE][SIZE - 1]);
    a[round % SIZE][round % 7] += 1;
  }
  return sum;
}

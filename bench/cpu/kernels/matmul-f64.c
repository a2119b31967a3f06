/* Product of matrices of double-precision numbers. */
#include "bench.h"

#define SIZE 40
#define ROUNDS 1000

static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

CALLED static void multiply(void) {
  for (long i = 0; i < SIZE; i++) {
    for (long j = 0; j < SIZE; j++) {
      double sum = 0;
      for (long k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

uint64_t run(void) {
  uint32_t random = 8;
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) {
    for (long j = 0; j < SIZE; j++) {
      a[i][j] = (double)(next_random(&random) & 65535) / 777.0;
      b[i][j] = (double)(next_random(&random) & 65535) / 999.0;
    }
  }
  for (long round = 0; round < ROUNDS; round++) {
    multiply();
    sum = mix_double(sum, c[round % SIZE][(round * 7) % SIZE]);
    a[round % SIZE][(round * 3) % SIZE] *= 1.0001;
  }
  return sum;
}

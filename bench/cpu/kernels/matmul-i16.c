/* Product of matrices of 16-bit integers. */
#include "bench.h"

#define SIZE 40
#define ROUNDS 4000

static int16_t a[SIZE][SIZE], b[SIZE][SIZE];
static int32_t c[SIZE][SIZE];

CALLED static void multiply(void) {
  for (long i = 0; i < SIZE; i++) {
    for (long j = 0; j < SIZE; j++) {
      int32_t sum = 0;
      for (long k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

uint64_t run(void) {
  uint32_t random = 2;
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) {
    for (long j = 0; j < SIZE; j++) {
      a[i][j] = (int16_t)(next_random(&random) & 255);
      b[i][j] = (int16_t)(next_random(&random) & 255);
    }
  }
  for (long round = 0; round < ROUNDS; round++) {
    multiply();
    sum = mix(sum, (uint64_t)(uint32_t)c[round % SIZE][(round * 7) % SIZE]);
    a[round % SIZE][(round * 3) % SIZE] ^= (int16_t)(c[1][round % SIZE] & 127);
  }
  return sum;
}

/* Division and remainder of 32 and 64 bits, with and without sign: greatest divisors, powers modulo a number, decimals. */
#include "bench.h"

/* RV32 divides 64 bits by a function. */
#if __riscv_xlen == 64
#define ROUNDS 1000000
#else
#define ROUNDS 200000
#endif

CALLED static uint64_t greatest_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

CALLED static uint32_t power(uint32_t base, uint32_t exponent, uint32_t modulus) {
  uint64_t result = 1, square = base % modulus;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = result * square % modulus;
    square = square * square % modulus;
  }
  return (uint32_t)result;
}

/* The base is no constant, for a compiler divides by constants without dividing. */
CALLED static int digits(uint64_t number, uint64_t base, uint8_t *to) {
  int count = 0;
  do {
    to[count++] = (uint8_t)(number % base);
    number /= base;
  } while (number != 0);
  return count;
}

CALLED static int32_t mean(const int32_t *numbers, int32_t count) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += numbers[i] / (i + 1) - numbers[i] % (i + 2);
  return sum / count;
}

uint64_t run(void) {
  static uint8_t text[64];
  static int32_t numbers[16];
  uint32_t random = 77;
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    uint64_t a = (uint64_t)next_random(&random) << 20 ^ next_random(&random);
    uint32_t b = next_random(&random);
    numbers[round & 15] = (int32_t)b;
    sum = mix(sum, greatest_divisor(a, b));
    sum += power((uint32_t)a, b & 0xffff, b | 1);
    sum += (uint64_t)digits(a, 7 + (b & 7), text) * text[3];
    sum ^= (uint64_t)(int64_t)mean(numbers, 16);
  }
  return sum;
}

/* SHA-256 (FIPS 180-4): 32-bit rotations and additions in long straight code. */
#include "../../../guests/sha256.h"
#include "bench.h"

#define BLOCKS 64
#define ROUNDS 5000

static uint32_t constants[64];
static uint32_t state[8];
static uint8_t data[BLOCKS][64];

/* x to the power of 2 or 3, without its lowest 32 * power bits: x is a number with 32 bits behind the point. */
static uint32_t whole_part(uint64_t x, int power) {
  uint32_t digits[6] = {1};
  for (int time = 0; time < power; time++) {
    uint64_t low_carry = 0, high_carry = 0;
    uint32_t below = 0;
    for (int i = 0; i < 6; i++) {
      uint64_t low = (uint64_t)digits[i] * (uint32_t)x + low_carry;
      uint64_t high = below * (x >> 32) + high_carry + (uint32_t)low;
      below = digits[i];
      digits[i] = (uint32_t)high;
      low_carry = low >> 32;
      high_carry = high >> 32;
    }
  }
  return digits[power];
}

/* The first 32 bits of the fractional part of the root of `prime` (the square root, or the cube root), by bisection. */
static uint32_t fraction_of_root(uint32_t prime, int power) {
  uint64_t low = 0;
  uint64_t high = 1ull << 37;
  while (high - low > 1) {
    uint64_t middle = (low + high) / 2;
    if (whole_part(middle, power) < prime) low = middle;
    else high = middle;
  }
  return (uint32_t)low;
}

static void make_constants(void) {
  long found = 0;
  for (uint32_t n = 2; found < 64; n++) {
    int is_prime = 1;
    for (uint32_t d = 2; d * d <= n; d++) is_prime &= n % d != 0;
    if (!is_prime) continue;
    if (found < 8) state[found] = fraction_of_root(n, 2);
    constants[found++] = fraction_of_root(n, 3);
  }
}

CALLED static void hash_block(const uint8_t *block) { sha256_block(state, constants, block); }

uint64_t run(void) {
  uint32_t random = 6;
  make_constants();
  for (long i = 0; i < BLOCKS; i++) {
    for (long j = 0; j < 64; j++) data[i][j] = (uint8_t)next_random(&random);
  }
  for (long round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < BLOCKS; i++) hash_block(data[i]);
  }
  uint64_t sum = 0;
  for (int i = 0; i < 8; i++) sum = mix(sum, state[i]);
  return sum;
}

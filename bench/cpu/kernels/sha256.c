/* SHA-256 (FIPS 180-4): 32-bit rotations and additions in long straight code. */
#include "bench.h"

#define BLOCKS 64
#define ROUNDS 5000

static uint32_t constants[64];
static uint32_t state[8];
static uint8_t data[BLOCKS][64];

static uint32_t rotate(uint32_t x, int by) { return (x >> by) | (x << (32 - by)); }

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

CALLED static void hash_block(const uint8_t *block) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
    uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

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

/* Arithmetic whose results do not depend on the processor. `expected.h` holds what another processor found.
 *
 * The file is compiled without contraction of a * b + c into one operation: fused operations are written as such.
 */
#include <stdint.h>

enum { STEPS = 1500 };

static uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ (hash >> 29);
}

static uint64_t next(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t value, unsigned by) { return value << (by & 63) | value >> (-by & 63); }

static uint64_t wide_step(uint64_t hash, uint64_t a, uint64_t b, uint64_t c) {
  unsigned __int128 product = (unsigned __int128)a * b;
  hash = mix(hash, (uint64_t)(product >> 64));
  __int128 signed_product = (__int128)(int64_t)a * (int64_t)b;
  hash = mix(hash, (uint64_t)(signed_product >> 64));
  hash = mix(hash, (uint64_t)(((__int128)(int64_t)a * (__int128)b) >> 64));
  unsigned __int128 numerator = (unsigned __int128)a << 64 | b;
  unsigned __int128 quotient = numerator / (c | 1);
  uint64_t rest = (uint64_t)(numerator % (c | 1));
  if (quotient * (c | 1) + rest != numerator) hash = mix(hash, 1);
  hash = mix(hash, (uint64_t)quotient ^ (uint64_t)(quotient >> 64));
  __int128 negative = -(__int128)(numerator >> 1);
  return mix(mix(hash, rest), (uint64_t)(negative / ((int32_t)c | 1)));
}

static uint64_t narrow_step(uint64_t hash, uint64_t a, uint64_t b) {
  int32_t x = (int32_t)a, y = (int32_t)b | 1;
  if (x == INT32_MIN) x++;
  hash = mix(hash, (uint64_t)(int64_t)(x / y));
  hash = mix(hash, (uint64_t)(int64_t)(x % y));
  hash = mix(hash, (uint32_t)x / (uint32_t)y);
  hash = mix(hash, (uint32_t)x % (uint32_t)y);
  hash = mix(hash, (uint64_t)(int64_t)(int32_t)((uint32_t)x << (b & 31)));
  hash = mix(hash, (uint64_t)(int64_t)(x >> (b & 31)));
  hash = mix(hash, (uint64_t)(int64_t)(int16_t)a ^ (uint8_t)b);
  hash = mix(hash, __builtin_bswap64(a) ^ __builtin_bswap32((uint32_t)b));
  return mix(hash, (uint64_t)(__builtin_clzll(a | 1) + 100 * __builtin_ctzll(b | 1 << 30) +
                              10000 * __builtin_popcountll(a)));
}

uint64_t integer_block(uint64_t seed) {
  uint64_t state = seed, hash = seed;
  for (int i = 0; i < STEPS; i++) {
    /* Short operands as well: dividers take other ways for them. */
    uint64_t a = next(&state) >> (next(&state) & 63), b = next(&state) >> (next(&state) & 63);
    hash = mix(hash, a * b + rotate(a, (unsigned)b));
    hash = mix(hash, a / (b | 1));
    hash = mix(hash, a % (b | 1));
    int64_t x = (int64_t)(a >> 1), y = (int64_t)b | 1;
    hash = mix(hash, (uint64_t)(-x / y));
    hash = mix(hash, (uint64_t)(-x % y));
    hash = mix(hash, (uint64_t)((int64_t)rotate(a, 7) >> (b & 63)));
    hash = mix(hash, (a < b) + 2u * (x < y) + 4u * (a > b * 3));
    hash = narrow_step(hash, a, b);
    if ((i & 3) == 0) hash = wide_step(hash, a, b, next(&state));
  }
  return hash;
}

/* One pattern for all NaNs: which one comes out is the processor's choice. */
static uint64_t bits_of(double value) {
  uint64_t bits;
  if (value != value) return UINT64_C(0x7ff8000000000000);
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

static uint64_t single_bits_of(float value) {
  uint32_t bits;
  if (value != value) return 0x7fc00000;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* Any bits at all now and then, else a number of moderate size. */
static double number(uint64_t bits) {
  if ((bits & 7) != 0) bits = (bits & ~(UINT64_C(0x7ff) << 52)) | ((bits >> 3 & 63) + 991) << 52;
  double value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

static uint64_t double_step(uint64_t hash, double a, double b, double c) {
  hash = mix(hash, bits_of(a + b));
  hash = mix(hash, bits_of(a - b));
  hash = mix(hash, bits_of(a * b));
  hash = mix(hash, bits_of(a / b));
  hash = mix(hash, bits_of(__builtin_sqrt(__builtin_fabs(c))));
  hash = mix(hash, bits_of(__builtin_fma(a, b, c)));
  hash = mix(hash, bits_of(-__builtin_fma(a, b, -c)));
  hash = mix(hash, bits_of(__builtin_fma(-a, b, a * b)));
  return mix(hash, (a < b) + 2u * (a <= b) + 4u * (a == c) + 8u * (b > c) + 16u * (c != c));
}

static uint64_t single_step(uint64_t hash, float a, float b, float c) {
  hash = mix(hash, single_bits_of(a + b));
  hash = mix(hash, single_bits_of(a * b));
  hash = mix(hash, single_bits_of(a / b));
  hash = mix(hash, single_bits_of(__builtin_sqrtf(__builtin_fabsf(c))));
  hash = mix(hash, single_bits_of(__builtin_fmaf(a, b, c)));
  return mix(hash, bits_of((double)a - (double)b));
}

static uint64_t conversion_step(uint64_t hash, double a, uint64_t n) {
  hash = mix(hash, bits_of((double)n));
  hash = mix(hash, bits_of((double)(int64_t)n));
  hash = mix(hash, single_bits_of((float)(int32_t)n));
  hash = mix(hash, single_bits_of((float)n));
  /* Where it fits; elsewhere the languages leave it open. */
  if (a > -9e18 && a < 9e18) hash = mix(hash, (uint64_t)(int64_t)a);
  if (a > -2e9 && a < 2e9) hash = mix(hash, (uint64_t)(int64_t)(int32_t)a);
  if (a >= 0 && a < 1.8e19) hash = mix(hash, (uint64_t)a);
  return hash;
}

/* A chain in which each result needs the one before: the logistic map, and a root by Newton's method. */
static uint64_t chain(uint64_t seed) {
  double x = (double)(seed % 1000 + 1) / 1002.0, root = 1.0;
  for (int i = 0; i < 200; i++) {
    x = 3.99 * x * (1.0 - x);
    root = 0.5 * (root + (x + 2.0) / root);
  }
  return bits_of(x) ^ bits_of(root) >> 1;
}

uint64_t float_block(uint64_t seed) {
  uint64_t state = seed ^ UINT64_C(0x5eed), hash = chain(seed);
  for (int i = 0; i < STEPS / 2; i++) {
    double a = number(next(&state)), b = number(next(&state)), c = number(next(&state));
    hash = double_step(hash, a, b, c);
    hash = single_step(hash, (float)a, (float)b, (float)c);
    hash = conversion_step(hash, a * 1e9, next(&state) >> (next(&state) & 63));
  }
  return hash;
}

/* A switch with many dense cases in random order: each a jump through a table that no one can foresee. */
#include "bench.h"

#define STEPS 65536
#define ROUNDS 700

static uint8_t steps[STEPS];

CALLED static uint64_t follow(const uint8_t *code, long count, uint64_t a) {
  uint64_t b = 1, c = 2, d = 3;
  for (long i = 0; i < count; i++) {
    switch (code[i]) {
      case 0: a += b; break;
      case 1: b ^= c; break;
      case 2: c -= d; break;
      case 3: d += a; break;
      case 4: a = a << 3 | a >> 61; break;
      case 5: b = b << 7 | b >> 57; break;
      case 6: c = ~c; break;
      case 7: d = -d; break;
      case 8: a *= 5; break;
      case 9: b *= 9; break;
      case 10: c += i; break;
      case 11: d ^= (uint64_t)i; break;
      case 12: if (a > b) a -= b; break;
      case 13: if (b > c) b -= c; break;
      case 14: if (c & 1) c = c * 3 + 1; break;
      case 15: if (d & 1) d >>= 1; break;
      case 16: a ^= a >> 12; break;
      case 17: b ^= b << 25; break;
      case 18: c ^= c >> 27; break;
      case 19: d = (uint32_t)d; break;
      case 20: a += (uint8_t)b; break;
      case 21: b += (uint16_t)c; break;
      case 22: c = (uint64_t)(int32_t)d; break;
      case 23: d = a & b; break;
      case 24: a = b | c; break;
      case 25: b = c + 1; break;
      case 26: c = d - 1; break;
      case 27: d += 0x9e3779b9; break;
      case 28: a = a < b ? c : a; break;
      case 29: b = b < c ? d : b; break;
      case 30: c ^= a + b; break;
      default: d ^= b + c; break;
    }
  }
  return a ^ b ^ c ^ d;
}

uint64_t run(void) {
  uint32_t random = 9;
  uint64_t sum = 0;
  for (long i = 0; i < STEPS; i++) steps[i] = next_random(&random) & 31;
  for (long round = 0; round < ROUNDS; round++) {
    NEW_ROUND();
    sum = mix(sum, follow(steps, STEPS, sum));
  }
  return sum;
}

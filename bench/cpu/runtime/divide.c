/* Division of 64 bits for RV32 and i386, as the compiler calls it: compilers for Linux have no library for that width. */
#include "bench.h"

#if __riscv_xlen == 32 || __i386__

struct divided {
  uint64_t quotient;
  uint64_t rest;
};

/* Zeros above the highest one of a number that is not 0. */
static int leading_zeros(uint32_t x) {
  int count = 0;
  for (int width = 16; width > 0; width /= 2) {
    if (x >> (32 - width)) continue;
    x <<= width;
    count += width;
  }
  return count;
}

/* Long division by digits of 16 bits, where the quotient has no more than 32. */
static uint32_t by_word(uint64_t number, uint32_t divisor, uint32_t *rest) {
  int shift = leading_zeros(divisor);
  number <<= shift;
  divisor <<= shift;
  uint32_t high = divisor >> 16, low = divisor & 0xffff;
  uint32_t left = number >> 32;
  uint32_t quotient = 0;
  for (int at = 16; at >= 0; at -= 16) {
    uint32_t next = (uint32_t)number >> at & 0xffff;
    uint32_t digit = left / high, spare = left % high;
    /* Too large by two at most, since the divisor's highest bit is set. */
    while (digit >> 16 || digit * low > (spare << 16 | next)) {
      digit--;
      spare += high;
      if (spare >> 16) break;
    }
    left = (left << 16 | next) - digit * divisor;
    quotient = quotient << 16 | digit;
  }
  *rest = left >> shift;
  return quotient;
}

static struct divided divide(uint64_t number, uint64_t divisor) {
  if (divisor >> 32 == 0) {
    uint32_t word = (uint32_t)divisor, rest = 0;
    uint64_t high = (uint32_t)(number >> 32) / word;
    uint64_t middle = (uint64_t)((uint32_t)(number >> 32) % word) << 32 | (uint32_t)number;
    return (struct divided){high << 32 | by_word(middle, word, &rest), rest};
  }
  /* By the upper half alone the quotient is right or too large by one. */
  uint32_t unused;
  int shift = leading_zeros((uint32_t)(divisor >> 32));
  uint32_t quotient = by_word(number >> 1, (uint32_t)(divisor << shift >> 32), &unused) >> (31 - shift);
  if (quotient != 0) quotient--;
  uint64_t rest = number - quotient * divisor;
  if (rest < divisor) return (struct divided){quotient, rest};
  return (struct divided){(uint64_t)quotient + 1, rest - divisor};
}

static uint64_t size_of(int64_t x) { return x < 0 ? -(uint64_t)x : (uint64_t)x; }

uint64_t __udivdi3(uint64_t number, uint64_t divisor) { return divide(number, divisor).quotient; }
uint64_t __umoddi3(uint64_t number, uint64_t divisor) { return divide(number, divisor).rest; }
uint64_t __udivmoddi4(uint64_t number, uint64_t divisor, uint64_t *rest) {
  struct divided divided = divide(number, divisor);
  *rest = divided.rest;
  return divided.quotient;
}
int64_t __divdi3(int64_t number, int64_t divisor) {
  uint64_t quotient = divide(size_of(number), size_of(divisor)).quotient;
  return (int64_t)((number ^ divisor) < 0 ? -quotient : quotient);
}
int64_t __moddi3(int64_t number, int64_t divisor) {
  uint64_t rest = divide(size_of(number), size_of(divisor)).rest;
  return (int64_t)(number < 0 ? -rest : rest);
}

#endif

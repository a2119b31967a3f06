/* Arithmetic with results known from elsewhere, in every rounding mode, and sorting. */
#include "expected.h"
#include "soak.h"

static void integer_round(void) {
  uint64_t seed = random_below(EXPECTED_BLOCKS);
  expect("integer block", integer_block(seed), expected_integer[seed]);
}

static inline uint64_t set_rounding(uint64_t mode) {
  uint64_t old;
  __asm__ volatile("fsrm %0, %1" : "=r"(old) : "r"(mode) : "memory");
  return old;
}

static inline uint64_t divided(double a, double b) {
  double quotient;
  uint64_t bits;
  /* Volatile keeps its place among those that set the mode and read the flags. */
  __asm__ volatile("fdiv.d %0, %1, %2" : "=f"(quotient) : "f"(a), "f"(b));
  __asm__("fmv.x.d %0, %1" : "=r"(bits) : "f"(quotient));
  return bits;
}

/* 1 / 3 and -1 / 3 under each mode, which other processes in between must leave alone. */
static void check_rounding(void) {
  /* To nearest even, towards zero, down, up, to nearest away from zero (F extension, table of rounding modes). */
  static const uint64_t third[] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555,
                                   0x3fd5555555555556, 0x3fd5555555555555};
  static const uint64_t minus_third[] = {0xbfd5555555555555, 0xbfd5555555555555, 0xbfd5555555555556,
                                         0xbfd5555555555555, 0xbfd5555555555555};
  for (uint64_t mode = 0; mode < 5; mode++) {
    set_rounding(mode);
    syscall3(SYS_SCHED_YIELD, 0, 0, 0);
    uint64_t positive = divided(1, 3), negative = divided(-1, 3);
    uint64_t kept = set_rounding(0);
    expect("rounding mode after others ran", kept, mode);
    expect("1 / 3", positive, third[mode]);
    expect("-1 / 3", negative, minus_third[mode]);
  }
}

/* Flags are raised by what raises them, and by nothing else. */
static void check_flags(void) {
  uint64_t flags;
  enum { INEXACT = 1, DIVIDE_BY_ZERO = 8, INVALID = 16 };
  __asm__ volatile("fsflags zero" ::: "memory");
  divided(6, 3);
  __asm__ volatile("frflags %0" : "=r"(flags)::"memory");
  expect("flags after 6 / 3", flags, 0);
  divided(1, 3);
  __asm__ volatile("frflags %0" : "=r"(flags)::"memory");
  expect("flags after 1 / 3", flags, INEXACT);
  divided(1, 0);
  divided(0, 0);
  __asm__ volatile("fsflags %0, zero" : "=r"(flags)::"memory");
  expect("flags after 1 / 0 and 0 / 0", flags, INEXACT | DIVIDE_BY_ZERO | INVALID);
}

static void float_round(void) {
  uint64_t seed = random_below(EXPECTED_BLOCKS);
  expect("float block", float_block(seed), expected_float[seed]);
  check_rounding();
  check_flags();
}

enum { ELEMENTS = 1500 };

static void heap_sort(uint64_t *values, size_t count) {
  for (size_t size = count, root = count / 2; size > 1;) {
    if (root > 0) {
      root--;
    } else {
      uint64_t last = values[--size];
      values[size] = values[0];
      values[0] = last;
    }
    uint64_t moved = values[root];
    size_t hole = root;
    for (size_t child; (child = 2 * hole + 1) < size; hole = child) {
      if (child + 1 < size && values[child + 1] > values[child]) child++;
      if (values[child] <= moved) break;
      values[hole] = values[child];
    }
    values[hole] = moved;
  }
}

static void quick_sort(uint64_t *first, uint64_t *last) {
  while (first < last) {
    uint64_t pivot = first[(last - first) / 2], *low = first, *high = last;
    while (low <= high) {
      while (*low < pivot) low++;
      while (*high > pivot) high--;
      if (low > high) break;
      uint64_t value = *low;
      *low++ = *high;
      *high-- = value;
    }
    quick_sort(first, high);
    first = low;
  }
}

static void sort_round(void) {
  static uint64_t one[ELEMENTS], other[ELEMENTS];
  uint64_t sum = 0, sorted_sum = 0, bound = random64() & 1 ? 100 : ~UINT64_C(0);
  for (size_t i = 0; i < ELEMENTS; i++) sum += one[i] = other[i] = random_below(bound);
  heap_sort(one, ELEMENTS);
  quick_sort(other, other + ELEMENTS - 1);
  for (size_t i = 0; i < ELEMENTS; i++) {
    sorted_sum += one[i];
    expect("element sorted twice", one[i], other[i]);
    if (i > 0) expect("pair out of order", one[i - 1] > one[i], 0);
  }
  expect("sum of sorted elements", sorted_sum, sum);
}

const struct kind integer_kind = {"integer", integer_round};
const struct kind float_kind = {"float", float_round};
const struct kind sort_kind = {"sort", sort_round};

/* Quicksort of 32-bit numbers: unpredictable branches, recursion. */
#include "bench.h"

#define SIZE 50000
#define ROUNDS 120

static uint32_t numbers[SIZE];

CALLED static void sort(uint32_t *low, uint32_t *high) {
  while (high - low > 12) {
    uint32_t pivot = low[(high - low) / 2];
    uint32_t *left = low;
    uint32_t *right = high;
    while (left <= right) {
      while (*left < pivot) left++;
      while (*right > pivot) right--;
      if (left <= right) {
        uint32_t swapped = *left;
        *left++ = *right;
        *right-- = swapped;
      }
    }
    sort(low, right);
    low = left;
  }
  for (uint32_t *at = low + 1; at <= high; at++) {
    uint32_t moved = *at;
    uint32_t *to = at;
    for (; to > low && to[-1] > moved; to--) *to = to[-1];
    *to = moved;
  }
}

uint64_t run(void) {
  uint32_t random = 5;
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < SIZE; i++) numbers[i] = next_random(&random);
    sort(numbers, numbers + SIZE - 1);
    for (long i = 0; i < SIZE; i += 997) sum = mix(sum, numbers[i]);
    for (long i = 1; i < SIZE; i++) sum += numbers[i - 1] > numbers[i];
  }
  return sum;
}

/* Atomic operations of one hart: additions, exchanges, a lock, and compare-and-swap loops by LR/SC. */
#include "bench.h"

#define ROUNDS 9000000

/* As wide as atomic operations are. */
typedef unsigned long word;

static word counters[16];
static uint32_t lock;

CALLED static void locked_add(word *counter, word value) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
  }
  *counter += value;
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

CALLED static void add_by_swap(word *counter, word value) {
  word seen = __atomic_load_n(counter, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(counter, &seen, seen + value, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (word round = 0; round < ROUNDS; round++) {
    __atomic_fetch_add(&counters[round & 15], round, __ATOMIC_RELAXED);
    sum += __atomic_fetch_or((uint32_t *)&counters[(round + 1) & 15], 1u << (round & 31), __ATOMIC_ACQ_REL);
    locked_add(&counters[(round + 2) & 15], 3);
    add_by_swap(&counters[(round + 3) & 15], round);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
  for (long i = 0; i < 16; i++) sum = mix(sum, counters[i]);
  return sum;
}

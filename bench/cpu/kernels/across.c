/* Loads and stores of eight bytes in order, of which ACROSS in 64 go across a page boundary. */
#include "bench.h"

#define PAGE_SIZE 4096
#define PLACES 64
#define ROUNDS 60000

static unsigned char memory[(PLACES + 1) * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* In assembler: a compiler makes eight accesses of one that may be misaligned. */
static uint64_t load(const unsigned char *address) {
  uint64_t value;
  __asm__ volatile("ld %0, (%1)" : "=r"(value) : "r"(address));
  return value;
}
static void store(unsigned char *address, uint64_t value) {
  __asm__ volatile("sd %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    unsigned char *page = memory;
    for (long place = 0; place < PLACES; place++, page += PAGE_SIZE) {
      unsigned char *address = page + (place < ACROSS ? PAGE_SIZE - 3 : PAGE_SIZE - 8);
      sum += load(address);
      store(address, sum);
    }
  }
  return mix(1, sum);
}

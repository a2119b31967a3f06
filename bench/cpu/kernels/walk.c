/* Page tables that change: entries are rewritten and forgotten one by one and all at once, and pages touched again. */
#include "lower.h"

#define PAGES 512
#define ROUNDS 2500

static struct address_space space;
static page_table table;
static page frames[PAGES];

static volatile uint64_t *page_at(long page) {
  return (volatile uint64_t *)(FREE + (unsigned long)page * PAGE_SIZE);
}

static void forget(volatile uint64_t *address) {
  __asm__ volatile("sfence.vma %0, x0" ::"r"(address) : "memory");
}
static void forget_all(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

CALLED static uint64_t touch_all(void) {
  uint64_t sum = 0;
  for (long page = 0; page < PAGES; page++) sum += (*page_at(page))++;
  return sum;
}

static uint64_t change(void) {
  uint32_t random = 5;
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    sum = mix(sum, touch_all());
    for (long i = 0; i < 32; i++) {
      long page = next_random(&random) % PAGES;
      table[page] = entry_for(frames[next_random(&random) % PAGES], PTE_DATA);
      forget(page_at(page));
      sum += ++*page_at(page);
    }
    forget_all();
  }
  return sum;
}

uint64_t run(void) {
  map(&space, &table, 1);
  for (long page = 0; page < PAGES; page++) table[page] = entry_for(frames[page], PTE_DATA);
  return run_in_supervisor(change, &space);
}

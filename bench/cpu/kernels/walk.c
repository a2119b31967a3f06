/* Page tables that change: entries are rewritten and forgotten one by one and all at once, and pages touched again. */
#include "lower.h"

#define PAGES 512
#define ROUNDS 2500
#define BASE 0xc0000000ul

static page_table root, middle, table;
static uint64_t frames[PAGES][PAGE_ENTRIES] __attribute__((aligned(PAGE_SIZE)));

static volatile uint64_t *page_at(long page) {
  return (volatile uint64_t *)(BASE + (uint64_t)page * PAGE_SIZE);
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
  map_ram(root);
  root[BASE >> 30] = entry_for(middle, PTE_V);
  middle[0] = entry_for(table, PTE_V);
  for (long page = 0; page < PAGES; page++) table[page] = entry_for(frames[page], PTE_DATA);
  return run_in_supervisor(change, root);
}

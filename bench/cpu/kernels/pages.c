/* Small pages: dependent loads from one to the next of 8192 pages, in random order. */
#include "lower.h"

#define PAGES 8192
#define TABLES (PAGES / PAGE_ENTRIES)
#define ROUNDS 500
/* Memory behind them, so that caches hold the data and what counts is translation. */
#define FRAMES 64

static struct address_space space;
static page_table tables[TABLES];
static page frames[FRAMES];
static uint32_t order[PAGES];

static void map_pages(void) {
  map(&space, tables, TABLES);
  for (long i = 0; i < PAGES; i++) {
    tables[i / PAGE_ENTRIES][i % PAGE_ENTRIES] = entry_for(frames[i % FRAMES], PTE_DATA);
  }
}

/* Each page's word holds the number of the next page: pages that share a frame use different words of it. */
static unsigned long *word_of(unsigned long page) {
  return (unsigned long *)(FREE + page * PAGE_SIZE + page / FRAMES % PAGE_ENTRIES * sizeof(unsigned long));
}

static uint64_t follow(void) {
  for (long i = 0; i < PAGES; i++) *word_of(order[i]) = order[(i + 1) % PAGES];
  unsigned long at = order[0];
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < PAGES - 1; i++) at = *word_of(at);
    sum = mix(sum, at);
  }
  return sum;
}

uint64_t run(void) {
  uint32_t random = 11;
  map_pages();
  for (uint32_t i = 0; i < PAGES; i++) order[i] = i;
  for (uint32_t i = PAGES - 1; i > 0; i--) {
    uint32_t j = next_random(&random) % (i + 1);
    uint32_t swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return run_in_supervisor(follow, &space);
}

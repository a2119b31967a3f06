/* Loads and stores in turns in ALIASES pages, whose virtual addresses are 64 MiB apart. */
#include "lower.h"

#define TABLES_APART 32
#define ACCESSES 8000000

static struct address_space space;
static page_table tables[(ALIASES - 1) * TABLES_APART + 1];
static page frames[ALIASES];

static uint64_t visit(void) {
  uint64_t sum = 0;
  for (long round = 0; round < ACCESSES / ALIASES; round++) {
    unsigned long at = FREE + (unsigned long)(round % 512) * 8;
    for (long alias = 0; alias < ALIASES; alias++, at += TABLES_APART * 512ul * PAGE_SIZE) {
      sum += (*(volatile uint64_t *)at)++;
    }
  }
  return mix(1, sum);
}

uint64_t run(void) {
  map(&space, tables, (ALIASES - 1) * TABLES_APART + 1);
  for (long alias = 0; alias < ALIASES; alias++) {
    tables[alias * TABLES_APART][0] = entry_for(frames[alias], PTE_DATA);
  }
  return run_in_supervisor(visit, &space);
}

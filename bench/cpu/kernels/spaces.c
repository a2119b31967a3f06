/* SPACES processes in turns: each has page tables of its own and an ASID, and works on 32 pages. */
#include "lower.h"

#define PAGES 32
#define TURNS 100000

static struct address_space spaces[SPACES];
static page_table table[SPACES];
static page frames[SPACES][PAGES];

static void use(long space) {
  uint64_t satp = 8ul << 60 | (uint64_t)space << 44 | (uintptr_t)&spaces[space] >> 12;
  __asm__ volatile("csrw satp, %0" ::"r"(satp) : "memory");
}

CALLED static uint64_t work(void) {
  uint64_t sum = 0;
  for (long round = 0; round < 16; round++) {
    for (long page = 0; page < PAGES; page++) sum += (*(volatile uint64_t *)(FREE + (unsigned long)page * PAGE_SIZE))++;
  }
  return sum;
}

static uint64_t take_turns(void) {
  uint64_t sum = 0;
  for (long turn = 0; turn < TURNS; turn++) {
    use(turn % SPACES);
    sum = mix(sum, work());
  }
  return sum;
}

uint64_t run(void) {
  for (long space = 0; space < SPACES; space++) {
    map(&spaces[space], &table[space], 1);
    for (long page = 0; page < PAGES; page++) table[space][page] = entry_for(frames[space][page], PTE_DATA);
  }
  return run_in_supervisor(take_turns, &spaces[0]);
}

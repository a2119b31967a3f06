/* Firmware's protection: REGIONS entries of pmpcfg forbid the supervisor a page each, behind them one opens all memory. The
 * supervisor's pages are touched, and forgotten now and then. */
#include "lower.h"

#define PAGES 256
#define ROUNDS 4000
enum { PMP_ALL = 0x1f, PMP_NOTHING = 0x18 };

static struct address_space space;
static page_table table;
static page frames[PAGES];
static page guarded[16];

#define SET(number, address) __asm__ volatile("csrw pmpaddr" #number ", %0" ::"r"(address))

static uint64_t napot(const void *page) { return (uintptr_t)page >> 2 | (PAGE_SIZE / 8 - 1); }

static void protect(void) {
  uint64_t low = 0, high = 0;
  for (int entry = 0; entry < 16; entry++) {
    uint64_t bits = entry < REGIONS ? PMP_NOTHING : entry == REGIONS ? PMP_ALL : 0;
    if (entry < 8) low |= bits << 8 * entry;
    else high |= bits << 8 * (entry - 8);
  }
  uint64_t address[16];
  for (int entry = 0; entry < 16; entry++) address[entry] = entry < REGIONS ? napot(guarded[entry]) : ~0ul;
  SET(0, address[0]); SET(1, address[1]); SET(2, address[2]); SET(3, address[3]);
  SET(4, address[4]); SET(5, address[5]); SET(6, address[6]); SET(7, address[7]);
  SET(8, address[8]); SET(9, address[9]); SET(10, address[10]); SET(11, address[11]);
  SET(12, address[12]); SET(13, address[13]); SET(14, address[14]); SET(15, address[15]);
  __asm__ volatile("csrw pmpcfg2, %1\n csrw pmpcfg0, %0\n sfence.vma" ::"r"(low), "r"(high) : "memory");
}

CALLED static uint64_t touch_all(void) {
  uint64_t sum = 0;
  for (long page = 0; page < PAGES; page++) sum += (*(volatile uint64_t *)(FREE + (unsigned long)page * PAGE_SIZE))++;
  return sum;
}

static uint64_t touch(void) {
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    sum = mix(sum, touch_all());
    if (round % 4 == 0) __asm__ volatile("sfence.vma" ::: "memory");
  }
  return sum;
}

uint64_t run(void) {
  map(&space, &table, 1);
  for (long page = 0; page < PAGES; page++) table[page] = entry_for(frames[page], PTE_DATA);
  protect();
  return run_in_supervisor(touch, &space);
}

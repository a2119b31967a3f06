#include "lower.h"

#define RAM 0x80000000ul
#define RAM_BYTES 0x40000000ul
/* What an entry of a root maps. */
#if __riscv_xlen == 64
#define BLOCK 0x40000000ul
#else
#define BLOCK 0x400000ul
#endif

void map(struct address_space *space, page_table *tables, long count) {
  const unsigned long bits = PTE_DATA | PTE_X;
  for (unsigned long at = RAM; at < RAM + RAM_BYTES; at += BLOCK) {
    space->root[at / BLOCK] = entry_for((void *)at, bits);
    space->root[(at - USER_OFFSET) / BLOCK] = entry_for((void *)at, bits | PTE_U);
  }
#if __riscv_xlen == 64
  space->root[FREE / BLOCK] = entry_for(space->middle, PTE_V);
  pte *entries = space->middle;
#else
  pte *entries = space->root + FREE / BLOCK;
#endif
  for (long i = 0; i < count; i++) entries[i] = entry_for(tables[i], PTE_V);
}

/* For kernels that stay out of user mode. */
__attribute__((weak)) void handle_trap(struct trap_frame *frame) { leave_supervisor(frame->pc); }

#include "lower.h"

#define RAM 0x80000000ul
#define GIGAPAGE 0x40000000ul

void map_ram(uint64_t *root) {
  const uint64_t bits = PTE_DATA | PTE_X;
  root[RAM / GIGAPAGE] = entry_for((void *)RAM, bits);
  root[(RAM - USER_OFFSET) / GIGAPAGE] = entry_for((void *)RAM, bits | PTE_U);
}

/* For kernels that stay out of user mode. */
__attribute__((weak)) void handle_trap(struct trap_frame *frame) { leave_supervisor(frame->pc); }

/* Supervisor and user mode with Sv39, for kernels that measure what an operating system does. */
#ifndef LOWER_H
#define LOWER_H

#include "bench.h"

#define PAGE_SIZE 4096
#define PAGE_ENTRIES 512
/* Bits of a page-table entry (privileged specification, Sv39). */
enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
#define PTE_DATA (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)

typedef uint64_t page_table[PAGE_ENTRIES] __attribute__((aligned(PAGE_SIZE)));

/* All RAM is mapped twice by pages of 1 GiB: where it is, for the supervisor, and this much lower, for user mode. */
#define USER_OFFSET 0x40000000ul

/* An entry that points to physical memory. */
static inline uint64_t entry_for(const void *physical, uint64_t bits) {
  return (uintptr_t)physical >> 12 << 10 | bits;
}

/* Maps all RAM for the supervisor and for user mode. Entries 0 and 3 of the root, 1 GiB each, are free. */
void map_ram(uint64_t *root);

/* From M-mode: runs the function in supervisor mode with these page tables, and returns what it returns or gives to
 * leave_supervisor. */
uint64_t run_in_supervisor(uint64_t (*function)(void), const uint64_t *root);

/* The registers that a trap from user mode leaves for its handler: x1 to x31, then pc. */
struct trap_frame {
  uint64_t x[31];
  uint64_t pc;
};
/* Written by a kernel that enters user mode: sees each trap, and may change all registers. */
void handle_trap(struct trap_frame *frame);
/* From supervisor mode: runs the function in user mode, at addresses that are USER_OFFSET lower. It must not return; a
 * handler calls leave_supervisor. */
_Noreturn void enter_user(void (*function)(void));
/* From supervisor mode: back to the caller of run_in_supervisor. */
_Noreturn void leave_supervisor(uint64_t result);

#endif

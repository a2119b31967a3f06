/* Supervisor and user mode with Sv39 or Sv32, for kernels that measure what an operating system does. */
#ifndef LOWER_H
#define LOWER_H

#include "bench.h"

#define PAGE_SIZE 4096
/* Bits of a page-table entry (privileged specification, Sv32 and Sv39). */
enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
#define PTE_DATA (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)

typedef unsigned long pte;
#define PAGE_ENTRIES (PAGE_SIZE / (long)sizeof(pte))
typedef pte page_table[PAGE_ENTRIES] __attribute__((aligned(PAGE_SIZE)));
/* A page of data. */
typedef uint64_t page[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));

/* The tables of a process, but those of the lowest level. */
struct address_space {
  page_table root;
  page_table middle; /* Sv39 */
};

/* All RAM is mapped twice by large pages: where it is, for the supervisor, and this much lower, for user mode. */
#define USER_OFFSET 0x40000000ul
/* A gigabyte for the kernel's own tables. */
#define FREE 0xc0000000ul

/* An entry that points to physical memory. */
static inline pte entry_for(const void *physical, unsigned long bits) {
  return (uintptr_t)physical >> 12 << 10 | bits;
}

/* Maps all RAM for the supervisor and for user mode, and from FREE on what tables of the lowest level map. */
void map(struct address_space *space, page_table *tables, long count);

/* From M-mode: runs the function in supervisor mode in this space, and returns what it returns or gives to
 * leave_supervisor. */
uint64_t run_in_supervisor(uint64_t (*function)(void), const struct address_space *space);

/* The registers that a trap from user mode leaves for its handler: x1 to x31, then pc. */
struct trap_frame {
  unsigned long x[31];
  unsigned long pc;
};
/* Written by a kernel that enters user mode: sees each trap, and may change all registers. */
void handle_trap(struct trap_frame *frame);
/* From supervisor mode: runs the function in user mode, at addresses that are USER_OFFSET lower. It must not return; a
 * handler calls leave_supervisor. */
_Noreturn void enter_user(void (*function)(void));
/* From supervisor mode: back to the caller of run_in_supervisor. */
_Noreturn void leave_supervisor(uint64_t result);

#endif

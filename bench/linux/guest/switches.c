/* From one process to another on the same vCPU, and from one vCPU to another. */
#include "benchmark.h"
#include "linux.h"

static struct pipe_ends there, back;
static long partner;

/* A process that answers each byte with a byte, until its pipe is closed. */
static void start_partner(int cpu) {
  there = open_pipe();
  back = open_pipe();
  partner = fork_process();
  if (partner != 0) return;
  pin_to(cpu);
  syscall3(SYS_CLOSE, there.to, 0, 0);
  while (get_byte(there.from) == 1) put_byte(back.to);
  exit_process(0);
}
static void start_here(void) { start_partner(0); }
static void start_there(void) { start_partner(1); }

static void stop_partner(void) {
  close_pipe(there);
  wait_for(partner);
  close_pipe(back);
}

static uint64_t play(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) {
    put_byte(there.to);
    get_byte(back.from);
  }
  return iterations;
}
const struct benchmark context_switch = {"switch", 1, start_here, play, stop_partner};
const struct benchmark wake_other = {"wake", 2, start_there, play, stop_partner};

#define STACK 16384
#define MEMBARRIER_PRIVATE_EXPEDITED 8
#define MEMBARRIER_REGISTER_PRIVATE_EXPEDITED 16

enum { ABSENT, RUNNING, LEAVING };
static volatile int spinner;
static char *stack;
static char *page;

static void spin(void) {
  pin_to(1);
  __atomic_store_n(&spinner, RUNNING, __ATOMIC_RELEASE); /* acquired in start_spinner */
  while (__atomic_load_n(&spinner, __ATOMIC_RELAXED) == RUNNING) {
  }
  __atomic_store_n(&spinner, ABSENT, __ATOMIC_RELEASE); /* acquired in stop_spinner */
}

/* A thread with this process's memory that keeps the other vCPU busy, so that it must be told of changes. */
static void start_spinner(void) {
  checked(syscall3(SYS_MEMBARRIER, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED, 0, 0), "membarrier registration");
  stack = map_memory(STACK);
  page = map_memory(4096);
  checked(start_thread(spin, stack + STACK, THREAD_FLAGS), "clone of a thread");
  while (__atomic_load_n(&spinner, __ATOMIC_ACQUIRE) != RUNNING) sleep_for(1000000);
}

static void stop_spinner(void) {
  __atomic_store_n(&spinner, LEAVING, __ATOMIC_RELAXED);
  while (__atomic_load_n(&spinner, __ATOMIC_ACQUIRE) != ABSENT) sleep_for(1000000);
  /* Its stack stays mapped: the thread may still be on its last few instructions. */
  unmap_memory(page, 4096);
}

/* The kernel interrupts the other vCPU and waits for its answer. */
static uint64_t interrupt_other(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) {
    checked(syscall3(SYS_MEMBARRIER, MEMBARRIER_PRIVATE_EXPEDITED, 0, 0), "membarrier");
  }
  return iterations;
}
const struct benchmark barrier = {"ipi", 2, start_spinner, interrupt_other, stop_spinner};

/* The kernel has the other vCPU forget a translation. */
static uint64_t flush_other(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) {
    *(volatile char *)page = 1;
    checked(syscall3(SYS_MPROTECT, (long)page, 4096, PROT_READ), "mprotect");
    checked(syscall3(SYS_MPROTECT, (long)page, 4096, PROT_READ | PROT_WRITE), "mprotect");
  }
  return iterations;
}
const struct benchmark shoot_down = {"shootdown", 2, start_spinner, flush_other, stop_spinner};

/* Code that one thread changes and another one runs all the time. */
#include "corners.h"

enum { PATCHES = 1000, STACK = 16384, NO_FLAGS = 0 };
enum { LI_A0 = 0x00000513, RET = 0x00008067 };

static uint8_t stack[STACK] __attribute__((aligned(16)));
static uint32_t *code;
static int id;
/* The code returns at least `published`. */
static uint64_t published, runs;
/* The thread that runs the code fences by itself; otherwise the system call does it for all threads. */
static int fence_here;

static void run_always(void *argument) {
  (void)argument;
  uint64_t seen = 0;
  pin_to(1 % self.cpus);
  while (seen < PATCHES - 1) {
    uint64_t least = __atomic_load_n(&published, __ATOMIC_ACQUIRE);
    if (fence_here) __asm__ volatile("fence.i" ::: "memory");
    seen = (uint64_t)((long (*)(void))code)();
    expect("code older than its number", seen < least, 0);
    __atomic_fetch_add(&runs, 1, __ATOMIC_RELEASE);
  }
}

static void patch_while_run(int here) {
  fence_here = here;
  published = runs = 0;
  code[0] = LI_A0;
  code[1] = RET;
  syscall3(SYS_RISCV_FLUSH_ICACHE, (long)code, (long)(code + 2), NO_FLAGS);
  pin_to(0);
  checked(start_task(THREAD_FLAGS, stack + STACK, &id, run_always, 0), "error of clone");
  for (uint64_t i = 1; i < PATCHES; i++) {
    __atomic_store_n(&code[0], (uint32_t)(LI_A0 | i << 20), __ATOMIC_RELAXED);
    if (!here) syscall3(SYS_RISCV_FLUSH_ICACHE, (long)code, (long)(code + 1), NO_FLAGS);
    uint64_t before = __atomic_load_n(&runs, __ATOMIC_ACQUIRE);
    __atomic_store_n(&published, i, __ATOMIC_RELEASE);
    /* Now and then the code becomes hot as it is. */
    uint64_t more = i % 32 == 0 ? 500 : 1;
    while (i < PATCHES - 1 && __atomic_load_n(&runs, __ATOMIC_ACQUIRE) < before + more)
      syscall3(SYS_SCHED_YIELD, 0, 0, 0);
  }
  for (int running; (running = __atomic_load_n(&id, __ATOMIC_ACQUIRE)) != 0;) futex_wait(&id, running);
}

uint64_t patch_for_others(void) {
  code = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
  patch_while_run(0);
  patch_while_run(1);
  unpin(self.cpus);
  unmap(code, PAGE);
  return 2 * PATCHES;
}

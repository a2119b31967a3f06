/* A debugger that puts breakpoints into a loop that runs hot, and takes them out. */
#include "corners.h"

enum { SYS_PTRACE = 117, PEEKTEXT = 1, POKETEXT = 4, CONT = 7, ATTACH = 16, GETREGSET = 0x4204, PRSTATUS = 1 };
enum { SIGKILL = 9, SIGSTOP = 19, STOPPED = 0x7f };
enum { BREAKPOINTS = 300, C_EBREAK = 0x9002, BETWEEN = 2000 };

extern char loop_place[], other_place[];

/* Counts in memory, for ever; both places are 2-byte instructions. */
static _Noreturn void loop(volatile uint64_t *counter) {
  __asm__ volatile(
      "1: ld t0, 0(%0)\n addi t0, t0, 1\n loop_place: c.nop\n sd t0, 0(%0)\n other_place: c.nop\n j 1b" ::"r"(counter)
      : "t0", "memory");
  __builtin_unreachable();
}

static long trace(long request, long process, void *address, long data) {
  return checked(syscall4(SYS_PTRACE, request, process, (long)address, data), "error of ptrace");
}

static void expect_stopped(long process, int number) {
  expect("status of a traced process", (uint64_t)wait_status(process), (uint64_t)(number << 8 | STOPPED));
}

static uint64_t pc_of(long process) {
  uint64_t registers[32];
  struct {
    void *base;
    uint64_t bytes;
  } vector = {registers, sizeof registers};
  trace(GETREGSET, process, (void *)PRSTATUS, (long)&vector);
  return registers[0];
}

static void stop(long process) {
  checked(syscall3(SYS_KILL, process, SIGSTOP, 0), "error of kill");
  expect_stopped(process, SIGSTOP);
}

uint64_t set_breakpoints(void) {
  volatile uint64_t *counter = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
  long process = fork_process();
  if (process == 0) loop(counter);
  trace(ATTACH, process, 0, 0);
  expect_stopped(process, SIGSTOP);
  for (int i = 0; i < BREAKPOINTS; i++) {
    char *place = i % 2 == 0 ? loop_place : other_place;
    uint64_t text = 0;
    trace(PEEKTEXT, process, place, (long)&text);
    trace(POKETEXT, process, place, (long)(text & ~UINT64_C(0xffff) | C_EBREAK));
    trace(CONT, process, 0, 0);
    expect_stopped(process, SIGTRAP);
    expect("pc at a breakpoint", pc_of(process), (uint64_t)place);
    trace(POKETEXT, process, place, (long)text);
    uint64_t before = *counter;
    trace(CONT, process, 0, 0);
    while (*counter < before + BETWEEN) syscall3(SYS_SCHED_YIELD, 0, 0, 0);
    stop(process);
  }
  checked(syscall3(SYS_KILL, process, SIGKILL, 0), "error of kill");
  expect("status of the killed process", (uint64_t)wait_status(process), SIGKILL);
  unmap((void *)counter, PAGE);
  return BREAKPOINTS;
}

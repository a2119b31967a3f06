/* Kernels of bench/cpu, each with its function run under another name, and what a program asks of its operating system.
 * KERNELS, which the one who compiles gives, is KERNEL(name) for each of them. */
#include "work.h"

#include "linux.h"

#define KERNEL(name)                             \
  uint64_t run_##name(void);                     \
  static uint64_t repeat_##name(long count) {    \
    uint64_t sum = 0;                            \
    while (count-- > 0) sum = run_##name();      \
    return sum;                                  \
  }
KERNELS
#undef KERNEL

/* The last 4095 numbers of a word are errors; of 32 bits, half of all addresses are negative. */
static long checked(long result, const char *what) {
  if ((unsigned long)result > -4096ul) fail(what);
  return result;
}

/* A thousand system calls that do nothing. */
static uint64_t call_kernel(long count) {
  for (long i = 0; i < 1000 * count; i++) syscall1(SYS_GETPPID, 0);
  return 0;
}

#define PAGE 4096
#define PAGES 256
enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };

/* 256 fresh pages: mapped, touched, and unmapped. */
static uint64_t fault_pages(long count) {
  for (long i = 0; i < count; i++) {
    long address = syscall6(SYS_MMAP, 0, PAGES * PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    volatile char *memory = (volatile char *)checked(address, "mmap");
    for (long page = 0; page < PAGES; page++) memory[page * PAGE] = 1;
    checked(syscall2(SYS_MUNMAP, (long)memory, PAGES * PAGE), "munmap");
  }
  return 0;
}

#define SIGCHLD 17

static long fork_process(void) { return checked(syscall5(SYS_CLONE, SIGCHLD, 0, 0, 0, 0), "clone"); }

static void wait_for(long process) { checked(syscall4(SYS_WAIT4, process, 0, 0, 0), "wait4"); }

/* A process that ends at once. */
static uint64_t fork_and_exit(long count) {
  for (long i = 0; i < count; i++) {
    long process = fork_process();
    if (process == 0) syscall1(SYS_EXIT_GROUP, 0);
    wait_for(process);
  }
  return 0;
}

/* 4 KiB through a pipe, a hundred times: copied in and out by the kernel. */
static uint64_t pass_pages(long count) {
  static char page[PAGE];
  int ends[2];
  checked(syscall2(SYS_PIPE2, (long)ends, 0), "pipe2");
  for (long i = 0; i < 100 * count; i++) {
    checked(syscall3(SYS_WRITE, ends[1], (long)page, PAGE), "write");
    checked(syscall3(SYS_READ, ends[0], (long)page, PAGE), "read");
  }
  syscall1(SYS_CLOSE, ends[0]);
  syscall1(SYS_CLOSE, ends[1]);
  return 0;
}

/* A byte to another process and back, a hundred times. */
static uint64_t switch_processes(long count) {
  int there[2], back[2];
  char byte = 0;
  checked(syscall2(SYS_PIPE2, (long)there, 0), "pipe2");
  checked(syscall2(SYS_PIPE2, (long)back, 0), "pipe2");
  long process = fork_process();
  if (process == 0) {
    syscall1(SYS_CLOSE, there[1]);
    while (syscall3(SYS_READ, there[0], (long)&byte, 1) == 1) syscall3(SYS_WRITE, back[1], (long)&byte, 1);
    syscall1(SYS_EXIT_GROUP, 0);
  }
  for (long i = 0; i < 100 * count; i++) {
    checked(syscall3(SYS_WRITE, there[1], (long)&byte, 1), "write");
    checked(syscall3(SYS_READ, back[0], (long)&byte, 1), "read");
  }
  syscall1(SYS_CLOSE, there[1]);
  wait_for(process);
  syscall1(SYS_CLOSE, there[0]);
  syscall1(SYS_CLOSE, back[0]);
  syscall1(SYS_CLOSE, back[1]);
  return 0;
}

const struct work works[] = {
#define KERNEL(name) {#name, repeat_##name},
    KERNELS
    {"syscall", call_kernel},  {"page-fault", fault_pages},       {"fork", fork_and_exit},
    {"pipe-copy", pass_pages}, {"switch", switch_processes}, {0, 0},
};

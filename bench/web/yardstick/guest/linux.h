/* System calls of Linux on RISC-V (include/uapi/asm-generic/unistd.h) and on i386 (arch/x86/entry/syscalls), without a C
 * library. */
#ifndef LINUX_H
#define LINUX_H

#include <stddef.h>
#include <stdint.h>

#if __riscv
#include "../../../../guests/syscall.h"
enum {
  SYS_CLOSE = 57,
  SYS_PIPE2 = 59,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_EXIT_GROUP = 94,
  SYS_GETPPID = 173,
  SYS_MUNMAP = 215,
  SYS_CLONE = 220,
  SYS_MMAP = 222,
  SYS_WAIT4 = 260,
};
#else
enum {
  SYS_READ = 3,
  SYS_WRITE = 4,
  SYS_CLOSE = 6,
  SYS_GETPPID = 64,
  SYS_MUNMAP = 91,
  SYS_WAIT4 = 114,
  SYS_CLONE = 120,
  SYS_MMAP = 192, /* mmap2: its offset is in pages */
  SYS_EXIT_GROUP = 252,
  SYS_PIPE2 = 331,
};
static inline long syscall5(long number, long a, long b, long c, long d, long e) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "memory");
  return result;
}
/* The sixth is in a register that the compiler may need itself. */
static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  long arguments[2] = {a, f}, result;
  __asm__ volatile("push %%ebp\n mov 4(%%ebx), %%ebp\n mov (%%ebx), %%ebx\n int $0x80\n pop %%ebp"
                   : "=a"(result)
                   : "a"(number), "b"(arguments), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "memory");
  return result;
}
static inline long syscall4(long n, long a, long b, long c, long d) { return syscall5(n, a, b, c, d, 0); }
static inline long syscall3(long n, long a, long b, long c) { return syscall5(n, a, b, c, 0, 0); }
static inline long syscall2(long n, long a, long b) { return syscall5(n, a, b, 0, 0, 0); }
static inline long syscall1(long n, long a) { return syscall5(n, a, 0, 0, 0, 0); }
#endif

#endif

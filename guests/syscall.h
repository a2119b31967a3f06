/* System calls of Linux on RISC-V, for programs without a C library. */
#ifndef SYSCALL_H
#define SYSCALL_H

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  register long a5 __asm__("a5") = f;
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
  return a0;
}
static inline long syscall5(long n, long a, long b, long c, long d, long e) {
  return syscall6(n, a, b, c, d, e, 0);
}
static inline long syscall4(long n, long a, long b, long c, long d) { return syscall6(n, a, b, c, d, 0, 0); }
static inline long syscall3(long n, long a, long b, long c) { return syscall6(n, a, b, c, 0, 0, 0); }
static inline long syscall2(long n, long a, long b) { return syscall6(n, a, b, 0, 0, 0, 0); }
static inline long syscall1(long n, long a) { return syscall6(n, a, 0, 0, 0, 0, 0); }

#endif

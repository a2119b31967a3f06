/* System calls of Linux on RISC-V, without a C library (numbers: include/uapi/asm-generic/unistd.h). */
#ifndef LINUX_H
#define LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "../../../guests/syscall.h"

enum {
  SYS_IOCTL = 29,
  SYS_CLOSE = 57,
  SYS_PIPE2 = 59,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_EXIT_GROUP = 94,
  SYS_NANOSLEEP = 101,
  SYS_SETITIMER = 103,
  SYS_CLOCK_GETTIME = 113,
  SYS_SCHED_SETAFFINITY = 122,
  SYS_RT_SIGACTION = 134,
  SYS_REBOOT = 142,
  SYS_PRCTL = 167,
  SYS_GETPPID = 173,
  SYS_MUNMAP = 215,
  SYS_CLONE = 220,
  SYS_EXECVE = 221,
  SYS_MMAP = 222,
  SYS_MPROTECT = 226,
  SYS_WAIT4 = 260,
  SYS_MEMBARRIER = 283,
};

enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
enum { SIGILL = 4, SIGALRM = 14, SIGCHLD = 17 };
/* CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: a thread of this process. */
#define THREAD_FLAGS 0x50f00
#define CONSOLE 1

struct timespec {
  int64_t seconds, nanoseconds;
};
struct timeval {
  int64_t seconds, microseconds;
};
struct itimerval {
  struct timeval interval, value;
};
/* RISC-V has no sa_restorer: the way back from a handler is in the vDSO. */
struct sigaction {
  void (*handler)(int);
  uint64_t flags, mask;
};

/* Each is an error in its own process: it says which system call failed, and powers the guest off. */
long checked(long result, const char *what);

/* Runs `run` in a thread of this process. The stack grows down from stack_top. */
long start_thread(void (*run)(void), void *stack_top, long flags);

/* A copy of this process: 0 in the copy, its number here. */
static inline long fork_process(void) { return checked(syscall3(SYS_CLONE, SIGCHLD, 0, 0), "clone"); }
_Noreturn void exit_process(int status);
/* Waits for a process and checks that it ended with status 0. */
void wait_for(long process);
/* Keeps the calling thread on one vCPU. */
void pin_to(int cpu);
void *map_memory(size_t bytes);
void unmap_memory(void *start, size_t bytes);
void sleep_for(int64_t nanoseconds);
/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t now(void);
/* Nanoseconds of CPU time that this process has had. */
int64_t cpu_time(void);
/* The clock of the machine, without a system call. */
static inline uint64_t read_time(void) {
  uint64_t time;
  __asm__ volatile("rdtime %0" : "=r"(time));
  return time;
}

struct pipe_ends {
  int from, to;
};
struct pipe_ends open_pipe(void);
void close_pipe(struct pipe_ends ends);
/* One byte through a pipe; reading returns 0 when the other end is closed. */
void put_byte(int fd);
int get_byte(int fd);

#endif

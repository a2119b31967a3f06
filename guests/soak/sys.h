/* Linux on RISC-V without a C library (numbers: include/uapi/asm-generic/unistd.h). */
#ifndef SOAK_SYS_H
#define SOAK_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "../syscall.h"

enum {
  SYS_IOCTL = 29,
  SYS_MKDIRAT = 34,
  SYS_UNLINKAT = 35,
  SYS_MOUNT = 40,
  SYS_FTRUNCATE = 46,
  SYS_OPENAT = 56,
  SYS_CLOSE = 57,
  SYS_PIPE2 = 59,
  SYS_LSEEK = 62,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_PREAD64 = 67,
  SYS_PWRITE64 = 68,
  SYS_EXIT = 93,
  SYS_EXIT_GROUP = 94,
  SYS_FUTEX = 98,
  SYS_NANOSLEEP = 101,
  SYS_SETITIMER = 103,
  SYS_CLOCK_GETTIME = 113,
  SYS_SCHED_SETAFFINITY = 122,
  SYS_SCHED_GETAFFINITY = 123,
  SYS_SCHED_YIELD = 124,
  SYS_KILL = 129,
  SYS_RT_SIGSUSPEND = 133,
  SYS_RT_SIGACTION = 134,
  SYS_RT_SIGPROCMASK = 135,
  SYS_RT_SIGTIMEDWAIT = 137,
  SYS_RT_SIGQUEUEINFO = 138,
  SYS_REBOOT = 142,
  SYS_GETCPU = 168,
  SYS_GETPID = 172,
  SYS_MUNMAP = 215,
  SYS_MREMAP = 216,
  SYS_CLONE = 220,
  SYS_EXECVE = 221,
  SYS_MMAP = 222,
  SYS_MPROTECT = 226,
  SYS_MADVISE = 233,
  SYS_RISCV_FLUSH_ICACHE = 259,
  SYS_WAIT4 = 260,
  SYS_RENAMEAT2 = 276,
  SYS_MEMFD_CREATE = 279,
};

enum { AT_FDCWD = -100, AT_REMOVEDIR = 0x200 };
enum { O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_APPEND = 0x400 };
enum { SEEK_SET = 0, SEEK_END = 2 };
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20 };
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGUSR1 = 10, SIGSEGV = 11 };
enum { SIGALRM = 14, SIGTERM = 15, SIGCHLD = 17, SIGRT = 34 };
enum { SA_SIGINFO = 4, SA_NODEFER = 0x40000000 };
enum { SIG_BLOCK = 0, SIG_UNBLOCK = 1 };
enum { ENOENT = 2, EINTR = 4, EAGAIN = 11, WNOHANG = 1 };
enum { CLONE_VM = 0x100, CLONE_VFORK = 0x4000 };

/* CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID, CHILD_CLEARTID: a thread that can be waited for. */
#define THREAD_FLAGS 0x350f00

enum { PAGE = 4096 };
#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

struct timespec {
  int64_t seconds, nanoseconds;
};
struct itimerval {
  int64_t interval_seconds, interval_microseconds, seconds, microseconds;
};
struct siginfo {
  int32_t number, error, code, pad;
  union {
    uint64_t address; /* of a fault */
    struct {
      int32_t pid, uid;
      int64_t value;
    } queued;
  };
  uint64_t rest[12];
};
/* RISC-V has no sa_restorer: the way back from a handler is in the vDSO. */
struct sigaction {
  void (*handler)(int number, struct siginfo *info, void *context);
  uint64_t flags, mask;
};

/* start.S */
long start_task(long flags, void *stack_top, int *task_id, void (*run)(void *), void *argument);
uint64_t registers_after_yield(uint64_t seed);

/* Ends the process after a message when the result is an error: nothing sensible can follow. */
long checked(long result, const char *what);

_Noreturn void exit_process(int status);
long fork_process(void);
/* The status as wait4 gives it: exit status in bits 8 to 15, or the signal's number. */
int wait_status(long process);
/* A process's way to end with status 0, checked. */
void wait_well(long process);
void pin_to(unsigned cpu);
void unpin(unsigned cpus);
int64_t now(void);
void sleep_for(int64_t nanoseconds);
void *map(size_t bytes, long protection, long flags);
void unmap(void *start, size_t bytes);
void on_signal(int number, void (*handler)(int, struct siginfo *, void *));
void block_signal(int how, int number);
void futex_wait(int *word, int value);
void futex_wake(int *word, int count);
int open_file(const char *path, long flags);
void close_file(int fd);
/* All bytes, however many calls it takes. Reading returns less at the end of the file only. */
void write_all(int fd, const void *from, size_t bytes);
size_t read_all(int fd, void *to, size_t bytes);

/* text.c */
size_t length_of(const char *text);
int equal(const char *a, const char *b);
uint64_t read_number(const char *text);
/* Knows %s, %u (uint64_t), %x (uint64_t) and %%. What does not fit is cut. Returns the length without the final 0. */
size_t format(char *to, size_t size, const char *text, ...);
/* One line on the console, in one piece. */
void say(const char *text, ...);

#endif

#include "sys.h"

#include "soak.h"

long checked(long result, const char *what) {
  if (result >= 0) return result;
  wrong(what, (uint64_t)-result, 0);
  exit_process(98);
}

void exit_process(int status) {
  for (;;) syscall3(SYS_EXIT_GROUP, status, 0, 0);
}

long fork_process(void) { return checked(syscall4(SYS_CLONE, SIGCHLD, 0, 0, 0), "error of fork"); }

int wait_status(long process) {
  int status = -1;
  long result;
  do result = syscall4(SYS_WAIT4, process, (long)&status, 0, 0);
  while (result == -EINTR);
  expect("process waited for", (uint64_t)result, (uint64_t)process);
  return status;
}

void wait_well(long process) { expect("status of a child", (uint64_t)wait_status(process), 0); }

static void set_affinity(uint64_t mask) {
  checked(syscall3(SYS_SCHED_SETAFFINITY, 0, sizeof mask, (long)&mask), "error of sched_setaffinity");
}

void pin_to(unsigned cpu) { set_affinity(UINT64_C(1) << cpu); }

void unpin(unsigned cpus) { set_affinity(cpus >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << cpus) - 1); }

int64_t now(void) {
  struct timespec time;
  enum { CLOCK_MONOTONIC = 1 };
  checked(syscall3(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&time, 0), "error of clock_gettime");
  return time.seconds * SECOND + time.nanoseconds;
}

/* Returns early when a signal comes. */
void sleep_for(int64_t nanoseconds) {
  struct timespec time = {nanoseconds / SECOND, nanoseconds % SECOND};
  syscall3(SYS_NANOSLEEP, (long)&time, 0, 0);
}

void *map(size_t bytes, long protection, long flags) {
  long fd = -1;
  return (void *)checked(syscall6(SYS_MMAP, 0, (long)bytes, protection, flags | MAP_ANONYMOUS, fd, 0),
                         "error of mmap");
}

void unmap(void *start, size_t bytes) {
  checked(syscall3(SYS_MUNMAP, (long)start, (long)bytes, 0), "error of munmap");
}

void on_signal(int number, void (*handler)(int, struct siginfo *, void *)) {
  struct sigaction action = {handler, SA_SIGINFO, 0};
  checked(syscall4(SYS_RT_SIGACTION, number, (long)&action, 0, 8), "error of rt_sigaction");
}

void block_signal(int how, int number) {
  uint64_t mask = UINT64_C(1) << (number - 1);
  checked(syscall4(SYS_RT_SIGPROCMASK, how, (long)&mask, 0, 8), "error of rt_sigprocmask");
}

void futex_wait(int *word, int value) {
  enum { FUTEX_WAIT = 0 };
  long result = syscall4(SYS_FUTEX, (long)word, FUTEX_WAIT, value, 0);
  if (result != -EAGAIN && result != -EINTR) checked(result, "error of futex wait");
}

void futex_wake(int *word, int count) {
  enum { FUTEX_WAKE = 1 };
  checked(syscall4(SYS_FUTEX, (long)word, FUTEX_WAKE, count, 0), "error of futex wake");
}

int open_file(const char *path, long flags) {
  return (int)checked(syscall4(SYS_OPENAT, AT_FDCWD, (long)path, flags, 0600), "error of openat");
}

void close_file(int fd) { checked(syscall3(SYS_CLOSE, fd, 0, 0), "error of close"); }

void write_all(int fd, const void *from, size_t bytes) {
  const char *next = from;
  while (bytes > 0) {
    long count = syscall3(SYS_WRITE, fd, (long)next, (long)bytes);
    if (count == -EINTR) continue;
    checked(count, "error of write");
    next += count;
    bytes -= (size_t)count;
  }
}

size_t read_all(int fd, void *to, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    long count = syscall3(SYS_READ, fd, (long)((char *)to + done), (long)(bytes - done));
    if (count == -EINTR) continue;
    if (checked(count, "error of read") == 0) break;
    done += (size_t)count;
  }
  return done;
}

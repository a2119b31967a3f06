/* The part of a C library that the benchmarks need, over plain system calls. */
#include "linux.h"

#include "report.h"

_Noreturn void exit_process(int status) {
  for (;;) syscall3(SYS_EXIT_GROUP, status, 0, 0);
}

long checked(long result, const char *what) {
  if (result >= 0) return result;
  fail(what, -result);
}

void wait_for(long process) {
  int status = 0;
  checked(syscall4(SYS_WAIT4, process, (long)&status, 0, 0), "wait4");
  if (status != 0) fail("a process of the benchmark, wait status", status);
}

void pin_to(int cpu) {
  uint64_t mask[16] = {0};
  mask[cpu / 64] = 1ull << cpu % 64;
  checked(syscall3(SYS_SCHED_SETAFFINITY, 0, sizeof mask, (long)mask), "sched_setaffinity");
}

void *map_memory(size_t bytes) {
  long address = syscall6(SYS_MMAP, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return (void *)checked(address, "mmap");
}

void unmap_memory(void *start, size_t bytes) {
  checked(syscall3(SYS_MUNMAP, (long)start, (long)bytes, 0), "munmap");
}

void sleep_for(int64_t nanoseconds) {
  struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  checked(syscall3(SYS_NANOSLEEP, (long)&time, 0, 0), "nanosleep");
}

#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2

static int64_t read_clock(int clock) {
  struct timespec time;
  checked(syscall3(SYS_CLOCK_GETTIME, clock, (long)&time, 0), "clock_gettime");
  return time.seconds * 1000000000 + time.nanoseconds;
}
int64_t now(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t cpu_time(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

struct pipe_ends open_pipe(void) {
  int ends[2];
  checked(syscall3(SYS_PIPE2, (long)ends, 0, 0), "pipe2");
  return (struct pipe_ends){.from = ends[0], .to = ends[1]};
}

void close_pipe(struct pipe_ends ends) {
  checked(syscall3(SYS_CLOSE, ends.from, 0, 0), "close");
  checked(syscall3(SYS_CLOSE, ends.to, 0, 0), "close");
}

void put_byte(int fd) {
  char byte = 'x';
  checked(syscall3(SYS_WRITE, fd, (long)&byte, 1), "write");
}

int get_byte(int fd) {
  char byte;
  return (int)checked(syscall3(SYS_READ, fd, (long)&byte, 1), "read");
}

/* A compiler may call these for structures and arrays. */
void *memset(void *to, int byte, size_t size) {
  uint8_t *t = to;
  while (size-- > 0) *t++ = (uint8_t)byte;
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (size-- > 0) *t++ = *f++;
  return to;
}

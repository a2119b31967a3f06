/* Entries into the kernel, page faults, and what becomes of processes. */
#include "benchmark.h"
#include "linux.h"

#define PAGE 4096
/* Less than a huge page, which would take all its faults at once. */
#define PAGES 256
#define LARGE_PAGES 1024

static uint64_t call_kernel(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) syscall3(SYS_GETPPID, 0, 0, 0);
  return iterations;
}
const struct benchmark system_call = {"syscall", 1, 0, call_kernel, 0};

static void touch(volatile char *memory, long pages) {
  for (long page = 0; page < pages; page++) memory[page * PAGE] = 1;
}

/* An iteration is a page: mapped, touched and unmapped again, all but the touch for 256 at a time. */
static uint64_t fault_pages(uint64_t iterations) {
  uint64_t done = 0;
  for (; done < iterations; done += PAGES) {
    char *memory = map_memory(PAGES * PAGE);
    touch(memory, PAGES);
    unmap_memory(memory, PAGES * PAGE);
  }
  return done;
}
const struct benchmark page_fault = {"page-fault", 1, 0, fault_pages, 0};

static char *memory;

static void map_some(void) {
  memory = map_memory(PAGES * PAGE);
  touch(memory, PAGES);
}
static void unmap_some(void) { unmap_memory(memory, PAGES * PAGE); }

/* Takes write access from pages, gives it back and writes to each: protection faults, and page tables that change. */
static uint64_t change_protection(uint64_t iterations) {
  uint64_t done = 0;
  for (; done < iterations; done += PAGES) {
    checked(syscall3(SYS_MPROTECT, (long)memory, PAGES * PAGE, PROT_READ), "mprotect");
    checked(syscall3(SYS_MPROTECT, (long)memory, PAGES * PAGE, PROT_READ | PROT_WRITE), "mprotect");
    touch(memory, PAGES);
  }
  return done;
}
const struct benchmark remap = {"protect", 1, map_some, change_protection, unmap_some};

static uint64_t fork_and_exit(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) {
    long process = fork_process();
    if (process == 0) exit_process(0);
    wait_for(process);
  }
  return iterations;
}
const struct benchmark fork_exit = {"fork", 1, 0, fork_and_exit, 0};

static char *large;

static void map_large(void) {
  large = map_memory(LARGE_PAGES * PAGE);
  touch(large, LARGE_PAGES);
}
static void unmap_large(void) { unmap_memory(large, LARGE_PAGES * PAGE); }
/* 4 MiB of memory to copy the page tables of; a quarter of it is copied on write. */
static uint64_t fork_and_write(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) {
    long process = fork_process();
    if (process == 0) {
      touch(large, LARGE_PAGES / 4);
      exit_process(0);
    }
    wait_for(process);
  }
  return iterations;
}
const struct benchmark fork_large = {"fork-4m", 1, map_large, fork_and_write, unmap_large};

static uint64_t fork_and_exec(uint64_t iterations) {
  static const char *const arguments[] = {"/init", "exit", 0};
  static const char *const environment[] = {0};
  for (uint64_t i = 0; i < iterations; i++) {
    long process = fork_process();
    if (process == 0) {
      syscall3(SYS_EXECVE, (long)arguments[0], (long)arguments, (long)environment);
      exit_process(1);
    }
    wait_for(process);
  }
  return iterations;
}
const struct benchmark fork_exec = {"exec", 1, 0, fork_and_exec, 0};

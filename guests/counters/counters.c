/* The first and only program of the guest: counts with perf_event_open, prints what it found, powers off.
 *
 * A line is a name, then numbers. Linux gets the counters from the SBI (PMU extension).
 */
#include <stdint.h>

#include "../syscall.h"

enum {
  SYS_IOCTL = 29,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_EXIT = 93,
  SYS_SCHED_SETAFFINITY = 122,
  SYS_REBOOT = 142,
  SYS_CLONE = 220,
  SYS_MMAP = 222,
  SYS_MPROTECT = 226,
  SYS_PERF_EVENT_OPEN = 241,
  SYS_WAIT4 = 260,
  SYS_MEMBARRIER = 283,
};
enum { SIGCHLD = 17, PAGE = 4096 };
enum { PERF_TYPE_HARDWARE = 0, PERF_TYPE_RAW = 4 };
enum { CYCLES = 0, INSTRUCTIONS = 1, CACHE_MISSES = 3 };
enum { ENABLE = 0x2400, DISABLE = 0x2401, RESET = 0x2403 };
enum { PRIVATE_EXPEDITED = 1 << 3, REGISTER_PRIVATE_EXPEDITED = 1 << 4 };
enum { ROUNDS = 4, TURNS = 5000000, INSTRUCTIONS_A_TURN = 4 };

static char line[200];
static unsigned length;

static void put(const char *text) {
  while (*text != 0) line[length++] = *text++;
}
static void number(long value) {
  char digits[24];
  unsigned count = 0;
  uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
  do digits[count++] = '0' + rest % 10;
  while ((rest /= 10) != 0);
  put(value < 0 ? " -" : " ");
  while (count != 0) line[length++] = digits[--count];
}
static void end_line(void) {
  put("\n");
  syscall3(SYS_WRITE, 1, (long)line, length);
  length = 0;
}

/* A counter of this process, on whatever processor it runs; or an error. */
static long open_sampler(uint32_t type, uint64_t config, uint64_t period, uint64_t sampled) {
  uint64_t attributes[8] = {type | UINT64_C(64) << 32, config, period, sampled, 0, 1 /* disabled */};
  return syscall4(SYS_PERF_EVENT_OPEN, (long)attributes, 0, -1, -1);
}
static long open_counter(uint32_t type, uint64_t config) { return open_sampler(type, config, 0, 0); }
static void control(long counter, long what) { syscall2(SYS_IOCTL, counter, what); }
static long value_of(long counter) {
  long value = -1;
  syscall3(SYS_READ, counter, (long)&value, sizeof value);
  return value;
}

static void spin(long turns) {
  __asm__ volatile("1: addi %0, %0, -1\n nop\n nop\n bnez %0, 1b" : "+r"(turns));
}

static void count_loops(void) {
  long instructions = open_counter(PERF_TYPE_HARDWARE, INSTRUCTIONS);
  long cycles = open_counter(PERF_TYPE_HARDWARE, CYCLES);
  for (int round = 0; round < ROUNDS; round++) {
    control(instructions, RESET), control(cycles, RESET);
    control(instructions, ENABLE), control(cycles, ENABLE);
    spin(TURNS);
    control(cycles, DISABLE), control(instructions, DISABLE);
    put("loop"), number((long)TURNS * INSTRUCTIONS_A_TURN);
    number(value_of(instructions)), number(value_of(cycles)), end_line();
  }
  put("missing"), number(open_counter(PERF_TYPE_HARDWARE, CACHE_MISSES)), end_line();
}

/* As under perf record: the program's place at each overflow of a counter, in a ring of records. */
static void take_samples(void) {
  enum { PERIOD = 1000000, SAMPLED_IP = 1, RECORD_SAMPLE = 9, HEAD = 1024, SHARED = 1, READ_WRITE = 3 };
  long counter = open_sampler(PERF_TYPE_HARDWARE, INSTRUCTIONS, PERIOD, SAMPLED_IP);
  put("samples");
  if (counter < 0) {
    number(counter), end_line();
    return;
  }
  const char *ring = (const char *)syscall5(SYS_MMAP, 0, 2 * PAGE, READ_WRITE, SHARED, counter);
  control(counter, ENABLE);
  spin(TURNS);
  control(counter, DISABLE);
  uint64_t head = *(volatile const uint64_t *)(ring + HEAD);
  long taken = 0, in_user_mode = 0;
  for (uint64_t at = 0; at < head && at < PAGE;) {
    const char *record = ring + PAGE + at;
    if (*(const uint32_t *)record == RECORD_SAMPLE) {
      taken++;
      if (*(const int64_t *)(record + 8) > 0) in_user_mode++;
    }
    at += *(const uint16_t *)(record + 6);
  }
  number((long)TURNS * INSTRUCTIONS_A_TURN / PERIOD), number(taken), number(in_user_mode), end_line();
}

static void pin_to(unsigned cpu) {
  uint64_t mask = UINT64_C(1) << cpu;
  syscall3(SYS_SCHED_SETAFFINITY, 0, sizeof mask, (long)&mask);
}

/* Remote fences and IPIs: two threads of one address space, each on its own processor. One changes the page table; the
 * other asks for memory barriers, for which its kernel sends an IPI to every processor that runs the address space. */
static char stack[PAGE];
static volatile long barriers;
static volatile int stop;

static void child(void) {
  pin_to(1);
  while (!stop) {
    syscall1(SYS_MEMBARRIER, PRIVATE_EXPEDITED);
    barriers++;
  }
  for (;;) syscall1(SYS_EXIT, 0);
}
static void start_thread(void) {
  enum { CLONE_VM = 0x100 };
  register long a0 __asm__("a0") = CLONE_VM | SIGCHLD;
  register long a1 __asm__("a1") = (long)stack + sizeof stack;
  register long a7 __asm__("a7") = SYS_CLONE;
  __asm__ volatile("ecall\n bnez a0, 1f\n jalr %2\n 1:" : "+r"(a0) : "r"(a1), "r"(&child), "r"(a7) : "memory", "ra");
}

static void count_firmware(void) {
  static const uint8_t codes[] = {5 /* set_timer */, 6 /* IPI sent */, 7, 10 /* SFENCE.VMA sent */, 12 /* with ASID */};
  enum { CODES = sizeof codes, SENT = 1, CHANGES = 40 };
  long counters[CODES];
  pin_to(0);
  for (int index = 0; index < CODES; index++) {
    counters[index] = open_counter(PERF_TYPE_RAW, UINT64_C(1) << 63 | codes[index]);
    control(counters[index], ENABLE);
  }
  syscall1(SYS_MEMBARRIER, REGISTER_PRIVATE_EXPEDITED);
  start_thread();
  while (barriers == 0) spin(1000);
  char *memory = (char *)syscall5(SYS_MMAP, 0, PAGE, 3, 0x22, -1);
  for (int change = 0; change < CHANGES; change++) {
    memory[0] = 1;
    syscall3(SYS_MPROTECT, (long)memory, PAGE, 1);
    syscall3(SYS_MPROTECT, (long)memory, PAGE, 3);
    syscall1(SYS_MEMBARRIER, PRIVATE_EXPEDITED);
    /* Where vCPUs take turns, the other processor may stand still in another program for all of a turn. */
    if (change % 20 == 0)
      for (long seen = barriers; barriers == seen;) spin(1000);
  }
  for (long seen = barriers; barriers < seen + 2;) spin(1000);
  /* None was sent if the other processor ran something else each time that it could have got one. */
  for (int tries = 0; tries < 8 && value_of(counters[SENT]) == 0; tries++) {
    for (long seen = barriers; barriers == seen;) spin(1000);
    syscall1(SYS_MEMBARRIER, PRIVATE_EXPEDITED);
  }
  stop = 1;
  syscall1(SYS_WAIT4, -1);
  put("firmware");
  for (int index = 0; index < CODES; index++) number(value_of(counters[index]));
  end_line();
}

/* Entry: the linker lets code reach its data by gp. */
__asm__(".globl _start\n_start:\n"
        ".option push\n.option norelax\nlla gp, __global_pointer$\n.option pop\n"
        "tail start_program");

_Noreturn void start_program(void);
void start_program(void) {
  count_loops();
  take_samples();
  count_firmware();
  for (;;) syscall3(SYS_REBOOT, 0xfee1dead, 672274793, 0x4321fedc);
}

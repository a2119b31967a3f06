/* The first and only program of the guest: what Linux says about vectors, and whether it keeps them over signals and
 * while other processes run, which have vectors of their own. Prints what it found, powers off.
 *
 * A line is a name, then numbers. Between filling registers and looking at them there is no system call: these may
 * change all vector registers.
 */
#include <stdint.h>

#include "../syscall.h"

enum {
  SYS_WRITE = 64,
  SYS_EXIT = 93,
  SYS_SETITIMER = 103,
  SYS_SIGACTION = 134,
  SYS_REBOOT = 142,
  SYS_CLONE = 220,
  SYS_MMAP = 222,
  SYS_HWPROBE = 258,
  SYS_WAIT4 = 260,
};
enum { SIGALRM = 14, SIGCHLD = 17, PAGE = 4096, SHARED_ANONYMOUS = 0x21, READ_WRITE = 3 };
enum { EXTENSIONS = 4 /* RISCV_HWPROBE_KEY_IMA_EXT_0 */ };
/* VLEN is no more than 1024 bits. */
enum { MOST = 32 * 128, ROUNDS = 8, SIGNALS = 4, TURNS = 4 };

static char line[200];
static unsigned length;

static void put(const char *text) {
  while (*text != 0) line[length++] = *text++;
}
static void number(uint64_t value) {
  char digits[24];
  unsigned count = 0;
  do digits[count++] = '0' + value % 10;
  while ((value /= 10) != 0);
  put(" ");
  while (count != 0) line[length++] = digits[--count];
}
static void end_line(void) {
  put("\n");
  syscall3(SYS_WRITE, 1, (long)line, length);
  length = 0;
}

#define VECTORS(code) ".option push\n.option arch, +v\n" code "\n.option pop\n"

static long vlenb(void) {
  long bytes;
  __asm__ volatile("csrr %0, 0xc22" : "=r"(bytes));
  return bytes;
}

/* All registers from memory, and to it: 32 * VLEN / 8 bytes. */
static void fill(const uint8_t *from) {
  long step = 8 * vlenb();
  __asm__ volatile(VECTORS("vl8re8.v v0, (%0)\n add t0, %0, %1\n vl8re8.v v8, (t0)\n add t0, t0, %1\n"
                           "vl8re8.v v16, (t0)\n add t0, t0, %1\n vl8re8.v v24, (t0)")
                   :
                   : "r"(from), "r"(step)
                   : "t0", "memory");
}
static void look(uint8_t *to) {
  long step = 8 * vlenb();
  __asm__ volatile(VECTORS("vs8r.v v0, (%0)\n add t0, %0, %1\n vs8r.v v8, (t0)\n add t0, t0, %1\n"
                           "vs8r.v v16, (t0)\n add t0, t0, %1\n vs8r.v v24, (t0)")
                   :
                   : "r"(to), "r"(step)
                   : "t0", "memory");
}
/* vl of 5 elements of 16 bits, rounding up to odd, and saturation. */
static void choose(void) {
  __asm__ volatile(VECTORS("vsetivli zero, 5, e16, m2, ta, mu\n csrwi vxrm, 3\n csrwi vxsat, 1"));
}
static uint64_t chosen(void) {
  uint64_t vl, vtype, vcsr;
  __asm__ volatile("csrr %0, 0xc20\n csrr %1, 0xc21\n csrr %2, 0x00f" : "=r"(vl), "=r"(vtype), "=r"(vcsr));
  return vl | vtype << 8 | vcsr << 32;
}

/* Keeps registers until `*count` has grown by `steps`. @returns how many bytes differ then */
static unsigned keep(uint32_t seed, const volatile uint64_t *count, uint64_t steps, volatile uint64_t *own) {
  static uint8_t before[MOST], after[MOST];
  long bytes = 32 * vlenb();
  for (long index = 0; index < bytes; index++) before[index] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
  fill(before);
  choose();
  uint64_t first = chosen();
  for (uint64_t start = *count; *count < start + steps;) (*own)++;
  unsigned differ = chosen() != first;
  look(after);
  for (long index = 0; index < bytes; index++) differ += before[index] != after[index];
  return differ;
}

static volatile uint64_t signals;

static void handler(int signal) {
  static uint8_t other[MOST];
  (void)signal;
  fill(other);
  __asm__ volatile(VECTORS("vsetivli zero, 1, e8, m1, ta, ma\n vadd.vi v1, v1, 1\n csrwi vxsat, 0"));
  signals++;
}

static void over_signals(void) {
  struct {
    void (*handler)(int);
    uint64_t flags, mask;
  } action = {handler, 0, 0};
  uint64_t ten_milliseconds[4] = {0, 10000, 0, 10000};
  volatile uint64_t own = 0;
  syscall4(SYS_SIGACTION, SIGALRM, (long)&action, 0, sizeof action.mask);
  syscall3(SYS_SETITIMER, 0, (long)ten_milliseconds, 0);
  unsigned differ = 0;
  for (int round = 0; round < ROUNDS; round++) differ += keep(round + 1, &signals, SIGNALS, &own);
  uint64_t none[4] = {0};
  syscall3(SYS_SETITIMER, 0, (long)none, 0);
  put("signals"), number(signals), number(differ), end_line();
}

/* Two processes on one processor: each of them runs until the other one has run, so often. */
static void over_switches(void) {
  volatile uint64_t *shared = (volatile uint64_t *)syscall5(SYS_MMAP, 0, PAGE, READ_WRITE, SHARED_ANONYMOUS, -1);
  long child = syscall5(SYS_CLONE, SIGCHLD, 0, 0, 0, 0);
  int self = child == 0;
  unsigned differ = 0;
  for (int round = 0; round < ROUNDS; round++) {
    /* Steps of the other one that it cannot have made within this one's turn. */
    for (int turn = 0; turn < TURNS; turn++)
      differ += keep(100 * self + round + turn + 1, &shared[!self], 1, &shared[self]);
  }
  shared[2 + self] = differ;
  shared[4 + self] = 1;
  /* The other one may be waiting for this one. */
  while (shared[4 + !self] == 0) shared[self]++;
  while (self) syscall1(SYS_EXIT, 0);
  syscall4(SYS_WAIT4, child, 0, 0, 0);
  put("switches"), number(ROUNDS * TURNS), number(shared[2] + shared[3]), end_line();
}

/* Entry: the linker lets code reach its data by gp. */
__asm__(".globl _start\n_start:\n"
        ".option push\n.option norelax\nlla gp, __global_pointer$\n.option pop\n"
        "tail start_program");

_Noreturn void start_program(void);
void start_program(void) {
  struct {
    int64_t key;
    uint64_t value;
  } extensions = {EXTENSIONS, 0};
  syscall5(SYS_HWPROBE, (long)&extensions, 1, 0, 0, 0);
  put("extensions"), number(extensions.value), end_line();
  put("vlenb"), number(vlenb()), end_line();
  over_signals();
  over_switches();
  for (;;) syscall3(SYS_REBOOT, 0xfee1dead, 672274793, 0x4321fedc);
}

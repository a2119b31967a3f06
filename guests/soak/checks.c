/* Random numbers, patterns, and what happens when a result is wrong. */
#include "soak.h"

enum { REPORTED = 5 };

/* Before there is a page that all processes share, mistakes are counted here. */
static struct progress unshared;
struct self self = {.kind = "supervisor", .cpus = 1, .progress = &unshared};
int (*on_fault)(uint64_t address);

uint64_t next_of(uint64_t *sequence) {
  uint64_t z = *sequence += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t random64(void) { return next_of(&self.random); }
uint64_t random_below(uint64_t bound) { return random64() % bound; }

/* The first few of each worker are worth a line; the count tells of all. */
void wrong(const char *what, uint64_t got, uint64_t wanted) {
  uint64_t count = __atomic_add_fetch(&self.progress->wrong, 1, __ATOMIC_RELAXED);
  if (count > REPORTED) return;
  uint64_t round = __atomic_load_n(&self.progress->rounds, __ATOMIC_RELAXED);
  say("soak: WRONG in %s.%u, round %u: %s is 0x%x instead of 0x%x", self.kind, (uint64_t)self.number, round, what,
      got, wanted);
}

/* Eight bytes at a time from a counter that is spread; cheap, and different at each place. */
static uint64_t pattern(uint64_t seed, uint64_t index) {
  uint64_t z = (seed ^ index) * UINT64_C(0x9e3779b97f4a7c15);
  return z ^ z >> 31;
}

void fill(uint8_t *to, size_t bytes, uint64_t seed, uint64_t offset) {
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = pattern(seed, offset + i);
    for (size_t k = i; k < i + 8 && k < bytes; k++, word >>= 8) to[k] = (uint8_t)word;
  }
}

void expect_filled(const char *what, const uint8_t *from, size_t bytes, uint64_t seed, uint64_t offset) {
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = pattern(seed, offset + i);
    for (size_t k = i; k < i + 8 && k < bytes; k++, word >>= 8) expect(what, from[k], (uint8_t)word);
  }
}

uint64_t checksum(const void *from, size_t bytes) {
  const uint8_t *byte = from;
  uint64_t sum = bytes;
  for (size_t i = 0; i < bytes; i++) sum = (sum ^ byte[i]) * UINT64_C(0x100000001b3);
  return sum;
}

/* Offset of the program counter in the kernel's struct ucontext (arch/riscv/include/uapi/asm/ucontext.h). */
enum { PC_IN_CONTEXT = 176 };

static void on_crash(int number, struct siginfo *info, void *context) {
  if (number == SIGSEGV && on_fault && on_fault(info->address)) return;
  uint64_t pc = *(uint64_t *)((uint8_t *)context + PC_IN_CONTEXT);
  __atomic_fetch_add(&self.progress->wrong, 1, __ATOMIC_RELAXED);
  say("soak: CRASH in %s.%u, round %u: signal %u at pc 0x%x, address 0x%x", self.kind, (uint64_t)self.number,
      self.progress->rounds, (uint64_t)number, pc, info->address);
  exit_process(99);
}

void watch_for_faults(void) {
  static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) on_signal(signals[i], on_crash);
}

/* Calls from user mode to a supervisor that saves all registers, as an operating system does: the round trip. */
#include "lower.h"

#define CALLS 1500000

enum call { EXIT, ADD, MIX, COUNT };

static struct address_space space;
static uint64_t total;
static uint64_t counted;

static uint64_t add(uint64_t a, uint64_t b) {
  total += a ^ b;
  return total;
}
static uint64_t mix_in(uint64_t a, uint64_t b) { return total = mix(total, a + b); }
static uint64_t count(uint64_t a, uint64_t b) { return counted += a > b; }

void handle_trap(struct trap_frame *frame) {
  static uint64_t (*const calls[])(uint64_t, uint64_t) = {[ADD] = add, [MIX] = mix_in, [COUNT] = count};
  unsigned long number = frame->x[16];
  if (number == EXIT) leave_supervisor(frame->x[9]);
  frame->pc += 4;
  frame->x[9] = calls[number](frame->x[9], frame->x[10]);
}

static inline unsigned long call(unsigned long number, unsigned long a, unsigned long b) {
  register unsigned long a0 __asm__("a0") = a;
  register unsigned long a1 __asm__("a1") = b;
  register unsigned long a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}

/* Runs at other addresses than it was linked for, which pc-relative code does not notice. */
static void user(void) {
  unsigned long sum = 1;
  for (unsigned long i = 0; i < CALLS; i += 3) {
    sum += call(ADD, i, sum);
    sum ^= call(MIX, sum, i);
    sum += call(COUNT, sum & 0xffff, i & 0xffff);
  }
  call(EXIT, sum, 0);
}

static uint64_t supervisor(void) { enter_user(user); }

uint64_t run(void) {
  map(&space, 0, 0);
  return mix(run_in_supervisor(supervisor, &space), counted);
}

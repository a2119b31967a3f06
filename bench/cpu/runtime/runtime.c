/* Console, power-off and the memory functions that a compiler may call, for a kernel on the bare machine. */
#include "bench.h"

#define UART_DATA ((volatile uint8_t *)0x10000000)
#define UART_LINE_STATUS ((volatile uint8_t *)0x10000005)
#define TRANSMITTER_EMPTY 0x20
#define TIMER_COMPARE ((volatile uint64_t *)0x2004000)
#define TIMER_INTERRUPT 0x80 /* mie.MTIE */
/* 100 ms of a 10 MHz clock, in which the one who measures can see what the start has cost. */
#define PAUSE 1000000
/* How often the work is done: short programs show compilers warming up, long ones what they come to. */
#ifndef TIMES
#define TIMES 1
#endif
#define FINISHER ((volatile uint32_t *)0x100000)
#define FINISH_PASS 0x5555
#define FINISH_FAIL 0x13333

static void put_char(char c) {
  while ((*UART_LINE_STATUS & TRANSMITTER_EMPTY) == 0) {
  }
  *UART_DATA = (uint8_t)c;
}

static void put_text(const char *text) {
  while (*text) put_char(*text++);
}

static void put_hex(uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) put_char("0123456789abcdef"[(value >> shift) & 15]);
}

static uint64_t now(void) {
#if __riscv_xlen == 64
  uint64_t time;
  __asm__ volatile("csrr %0, time" : "=r"(time));
  return time;
#else
  uint32_t high, low, again;
  do {
    __asm__ volatile("csrr %0, timeh\n csrr %1, time\n csrr %2, timeh" : "=r"(high), "=r"(low), "=r"(again));
  } while (high != again);
  return (uint64_t)high << 32 | low;
#endif
}

/* Sleeps, with interrupts off: an enabled interrupt that is pending ends wfi all the same. */
static void sleep(uint64_t ticks) {
  uint64_t end = now() + ticks;
  *TIMER_COMPARE = end;
  __asm__ volatile("csrs mie, %0" ::"r"(TIMER_INTERRUPT));
  while (now() < end) __asm__ volatile("wfi");
  __asm__ volatile("csrc mie, %0" ::"r"(TIMER_INTERRUPT));
}

void start_kernel(void) {
  put_text("start\n");
  sleep(PAUSE);
  uint64_t begin = now();
  uint64_t sum = 0;
  for (long time = 0; time < TIMES; time++) sum = mix(sum, run());
  uint64_t ticks = now() - begin;
  put_text("ticks ");
  put_hex(ticks);
  put_text("\nchecksum ");
  put_hex(sum);
  put_char('\n');
  *FINISHER = FINISH_PASS;
}

void report_trap(unsigned long cause, unsigned long pc, unsigned long value) {
  put_text("trap: mcause ");
  put_hex(cause);
  put_text(" mepc ");
  put_hex(pc);
  put_text(" mtval ");
  put_hex(value);
  put_char('\n');
  *FINISHER = FINISH_FAIL;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0) {
    for (; size >= 8; size -= 8, t += 8, f += 8) *(uint64_t *)t = *(const uint64_t *)f;
  }
  while (size-- > 0) *t++ = *f++;
  return to;
}

void *memset(void *to, int byte, size_t size) {
  uint8_t *t = to;
  while (size-- > 0) *t++ = (uint8_t)byte;
  return to;
}

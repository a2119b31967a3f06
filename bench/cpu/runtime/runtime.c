/* Console, power-off and the memory functions that a compiler may call, for a kernel on the bare machine. */
#include "bench.h"

#define UART_DATA ((volatile uint8_t *)0x10000000)
#define UART_LINE_STATUS ((volatile uint8_t *)0x10000005)
#define TRANSMITTER_EMPTY 0x20
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

void start_kernel(void) {
  uint64_t sum = run();
  put_text("checksum ");
  put_hex(sum);
  put_char('\n');
  *FINISHER = FINISH_PASS;
}

void report_trap(uint64_t cause, uint64_t pc, uint64_t value) {
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

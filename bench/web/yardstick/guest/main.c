/* The first and only program of a guest that is compared with another kind of guest: does what its console asks for.
 *
 *   NAME COUNT             a line of the one who measures: do the work NAME so often
 *   end NAME CHECKSUM      the answer when it is done; the checksum is that of the last time
 */
#include "linux.h"
#include "work.h"

#define CONSOLE 1
#define LINE 80

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

static void put(const char *text) { syscall3(SYS_WRITE, CONSOLE, (long)text, (long)length_of(text)); }

static void put_hex(uint64_t value) {
  char digits[17];
  for (int i = 0; i < 16; i++) digits[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
  digits[16] = 0;
  put(digits);
}

_Noreturn void fail(const char *what) {
  put("fail ");
  put(what);
  put("\n");
  for (;;) syscall1(SYS_EXIT_GROUP, 1);
}

/* A line of the console, with a zero in place of its end. */
static void read_line(char *line) {
  size_t length = 0;
  while (length < LINE - 1 && syscall3(SYS_READ, 0, (long)(line + length), 1) == 1 && line[length] != '\n') length++;
  line[length] = 0;
}

/* True if the text begins with the name and a space; moves behind both. */
static int takes(const char **text, const char *name) {
  const char *at = *text;
  while (*name != 0 && *at == *name) at++, name++;
  if (*name != 0 || *at != ' ') return 0;
  *text = at + 1;
  return 1;
}

static void carry_out(const char *order) {
  for (const struct work *work = works; work->name != 0; work++) {
    const char *rest = order;
    if (!takes(&rest, work->name)) continue;
    long count = 0;
    while (*rest >= '0' && *rest <= '9') count = count * 10 + (*rest++ - '0');
    uint64_t sum = work->run(count);
    put("end ");
    put(work->name);
    put(" ");
    put_hex(sum);
    put("\n");
    return;
  }
  fail("an order that is none");
}

_Noreturn void start_program(void) {
  static char line[LINE];
  put("ready\n");
  for (;;) {
    read_line(line);
    carry_out(line);
  }
}

#if __riscv
__asm__(".globl _start\n_start:\n .option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
        " andi sp, sp, -16\n call start_program");
#else
__asm__(".globl _start\n_start:\n and $-16, %esp\n call start_program");
#endif

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

#include "report.h"

#include "linux.h"

/* In which the one who measures can read how much CPU time was used, and the console's interrupts are over. */
#define PAUSE 30000000
#define TCSBRK 0x5409

static char line[160];
static size_t length;

static void add_text(const char *text) {
  while (*text != 0 && length < sizeof line - 1) line[length++] = *text++;
}

static void add_number(int64_t number) {
  char digits[20];
  int count = 0;
  uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  add_text(number < 0 ? " -" : " ");
  while (count > 0 && length < sizeof line - 1) line[length++] = digits[--count];
}

static void drain(void) { syscall3(SYS_IOCTL, CONSOLE, TCSBRK, 1); }

static void send(void) {
  line[length++] = '\n';
  syscall3(SYS_WRITE, CONSOLE, (long)line, (long)length);
  length = 0;
  drain();
}

void report_start(void) {
  add_text("started");
  add_number(now());
  send();
}

void report_begin(const char *name) {
  sleep_for(PAUSE);
  add_text("begin ");
  add_text(name);
  add_number(now());
  send();
  sleep_for(PAUSE);
}

void report_end(const char *kind, const char *name, uint64_t iterations, int64_t nanoseconds) {
  add_text(kind);
  add_text(" ");
  add_text(name);
  add_number((int64_t)iterations);
  add_number(nanoseconds);
  add_number(now());
  send();
  sleep_for(PAUSE);
}

void report_skip(const char *name) {
  add_text("skip ");
  add_text(name);
  send();
}

static _Noreturn void power_off(void) {
  drain();
  /* LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF */
  for (;;) syscall4(SYS_REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0);
}

_Noreturn void fail(const char *what, long number) {
  length = 0;
  add_text("fail ");
  add_text(what);
  add_number(number);
  send();
  power_off();
}

_Noreturn void finish(void) {
  add_text("done");
  send();
  power_off();
}

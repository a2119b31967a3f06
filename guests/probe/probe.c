/* Prints what riscv_hwprobe says of all processors: a line with key and value for each question. */
#include <stdint.h>

#include "../syscall.h"

enum { SYS_WRITE = 64, SYS_EXIT = 93, SYS_RISCV_HWPROBE = 258 };
/* Behavior of the base, extensions, size of the blocks that cbo.zero clears. */
static const int64_t keys[] = {3, 4, 6};

struct pair {
  int64_t key;
  uint64_t value;
};

static char line[100];
static unsigned length;

static void put(const char *text) {
  while (*text != 0) line[length++] = *text++;
}
static void hexadecimal(uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) line[length++] = "0123456789abcdef"[(value >> shift) & 15];
}

/* Entry: the linker lets code reach its data by gp. */
__asm__(".globl _start\n_start:\n"
        ".option push\n.option norelax\nlla gp, __global_pointer$\n.option pop\n"
        "tail start_program");

_Noreturn void start_program(void);
void start_program(void) {
  for (unsigned index = 0; index < sizeof keys / sizeof *keys; index++) {
    struct pair pair = {keys[index], 0};
    long error = syscall5(SYS_RISCV_HWPROBE, (long)&pair, 1, 0, 0, 0);
    length = 0;
    put(error != 0 ? "hwprobe failed " : "hwprobe ");
    hexadecimal((uint64_t)pair.key), put(" "), hexadecimal(pair.value), put("\n");
    syscall3(SYS_WRITE, 1, (long)line, length);
  }
  for (;;) syscall1(SYS_EXIT, 0);
}

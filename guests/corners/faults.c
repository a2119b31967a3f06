/* Signals for instructions and data across two pages: si_addr is the first byte that could not be accessed, pc the
 * instruction. */
#include "corners.h"

enum { PC = 176, RA = 184 }; /* in the kernel's struct ucontext */
enum { HOT = 20000 };
/* Words of code, and c.ret (c.jr ra). */
enum { LD_A0 = 0x00053503, SD_X0 = 0x00053023, ADDI_A0 = 0x00150513, ILLEGAL = 0xfffffffb, RET = 0x8082 };

static volatile struct {
  int number;
  uint64_t address, pc;
} fault;

/* Returns from the code that faults. */
static void note_fault(int number, struct siginfo *info, void *context) {
  uint64_t *registers = (uint64_t *)((uint8_t *)context + PC);
  fault.number = number;
  fault.address = info->address;
  fault.pc = registers[0];
  registers[0] = registers[(RA - PC) / 8];
}

static void flush(void) { __asm__ volatile("fence.i" ::: "memory"); }

static long run(uint8_t *code, void *argument) { return ((long (*)(void *))code)(argument); }

static void expect_fault(const char *what, uint8_t *code, void *argument, int number, void *address) {
  fault.number = 0;
  run(code, argument);
  expect(what, (uint64_t)fault.number, (uint64_t)number);
  expect("pc of the signal", fault.pc, (uint64_t)code);
  expect("si_addr of the signal", fault.address, (uint64_t)address);
}

/* One instruction that ends 2 bytes behind the border. */
static void place(uint8_t *border, uint32_t word) {
  for (int i = 0; i < 4; i++) border[i - 2] = (uint8_t)(word >> 8 * i);
  border[2] = RET & 0xff, border[3] = RET >> 8;
  flush();
}

static void protect(uint8_t *page, long protection) {
  checked(syscall3(SYS_MPROTECT, (long)page, PAGE, protection), "error of mprotect");
}

uint64_t fault_addresses(void) {
  enum { ALL = PROT_READ | PROT_WRITE | PROT_EXEC };
  uint8_t *code = map(2 * PAGE, ALL, MAP_PRIVATE), *border = code + PAGE;
  uint8_t *data = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  static const uint64_t turns[] = {1, HOT};
  uint64_t count = 0;
  on_signal(SIGSEGV, note_fault);
  on_signal(SIGILL, note_fault);
  for (int hot = 0; hot < 2; hot++) {
    place(border, ADDI_A0);
    for (uint64_t i = 0; i < turns[hot]; i++) expect("sum", (uint64_t)run(border - 2, (void *)i), i + 1);
    protect(border, PROT_READ | PROT_WRITE);
    expect_fault("second page not executable", border - 2, 0, SIGSEGV, border);
    protect(border, PROT_NONE);
    expect_fault("second page closed", border - 2, 0, SIGSEGV, border);
    protect(border, ALL);
    protect(code, PROT_READ | PROT_WRITE);
    expect_fault("first page not executable", border - 2, 0, SIGSEGV, border - 2);
    protect(code, ALL);
    place(border, ILLEGAL);
    expect_fault("illegal across pages", border - 2, 0, SIGILL, border - 2);
    static const uint32_t accesses[] = {LD_A0, SD_X0};
    for (int i = 0; i < 2; i++) {
      place(border, accesses[i]);
      for (uint64_t k = 0; k < turns[hot]; k++) run(border - 2, data + PAGE - 3);
      protect(data + PAGE, PROT_NONE);
      *(volatile uint8_t *)(data + PAGE - 1) = 0x55;
      expect_fault("data across pages", border - 2, data + PAGE - 3, SIGSEGV, data + PAGE);
      expect("last byte before the closed page", data[PAGE - 1], 0x55);
      protect(data + PAGE, PROT_READ | PROT_WRITE);
    }
    count += 6;
  }
  unmap(code, 2 * PAGE);
  unmap(data, 2 * PAGE);
  return count;
}

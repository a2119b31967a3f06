/* Code that is made and changed while it is in use. */
#include "soak.h"

enum { LOOPS = 200, PATCHES = 8, STACK = 16384, FUNCTIONS = 8, FUNCTION_BYTES = PAGE / FUNCTIONS };
enum { NOP = 0x13, RETURN = 0x8067, FENCE_I = 0x100f };

typedef uint64_t function(uint64_t a, uint64_t b);

/* addi a0, a0, value; the value has 12 bits, with sign. */
static uint32_t add_a0(int64_t value) { return (uint32_t)value << 20 | 10 << 15 | 10 << 7 | 0x13; }
/* addi a0, zero, value */
static uint32_t set_a0(int64_t value) { return (uint32_t)value << 20 | 10 << 7 | 0x13; }
static int64_t random_value(void) { return (int64_t)random_below(4096) - 2048; }

static uint64_t call(const void *code, uint64_t a, uint64_t b) {
  function *entry = (function *)(uintptr_t)code;
  return entry(a, b);
}

/* All threads of this process, on whatever vCPU they run. */
static void flush_code(const void *from, size_t bytes) {
  checked(syscall3(SYS_RISCV_FLUSH_ICACHE, (long)from, (long)from + (long)bytes, 0),
          "error of riscv_flush_icache");
}

/* lui a0, upper; addiw a0, a0, lower; ret: a number of 32 bits. */
static void write_constant(uint32_t *code, int32_t value) {
  uint32_t upper = (uint32_t)value + 0x800;
  code[0] = (upper & 0xfffff000) | 10 << 7 | 0x37;
  code[1] = (uint32_t)value << 20 | 10 << 15 | 10 << 7 | 0x1b;
  code[2] = RETURN;
}

/* Adds a constant to a0, a1 times. The first instruction is what is patched. */
static void write_loop(uint32_t *code, int64_t value) {
  code[0] = add_a0(value);
  code[1] = UINT32_C(0xfff58593); /* addi a1, a1, -1 */
  code[2] = UINT32_C(0xfe059ce3); /* bnez a1, code[0] */
  code[3] = RETURN;
}

/* Functions on a page that stays writable; one is rewritten, the others stay as they are. */
static void many_functions(void) {
  enum { ALL = PROT_READ | PROT_WRITE | PROT_EXEC };
  uint8_t *page = map(PAGE, ALL, MAP_PRIVATE);
  int32_t values[FUNCTIONS];
  for (int i = 0; i < FUNCTIONS; i++)
    write_constant((uint32_t *)(page + i * FUNCTION_BYTES), values[i] = (int32_t)random64());
  flush_code(page, PAGE);
  for (int patch = 0; patch < PATCHES; patch++) {
    int changed = (int)random_below(FUNCTIONS);
    uint32_t *code = (uint32_t *)(page + changed * FUNCTION_BYTES);
    write_constant(code, values[changed] = (int32_t)random64());
    flush_code(code, 12);
    for (int i = 0; i < FUNCTIONS; i++)
      expect("value of a written function", call(page + i * FUNCTION_BYTES, 0, 0), (uint64_t)(int64_t)values[i]);
  }
  unmap(page, PAGE);
}

/* A loop that has run often enough to be worth compiling is patched; the page is never writable and executable. */
static void hot_loop(void) {
  uint32_t *code = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  int64_t value = random_value();
  write_loop(code, value);
  for (int patch = 0; patch < PATCHES / 2; patch++) {
    checked(syscall3(SYS_MPROTECT, (long)code, PAGE, PROT_READ | PROT_EXEC), "error of mprotect");
    flush_code(code, 16);
    for (int i = 0; i < 10; i++)
      expect("sum of a patched loop", call(code, (uint64_t)i, LOOPS), (uint64_t)(i + value * LOOPS));
    checked(syscall3(SYS_MPROTECT, (long)code, PAGE, PROT_READ | PROT_WRITE), "error of mprotect");
    code[0] = add_a0(value = random_value());
  }
  unmap(code, PAGE);
}

/* Code that changes its own next instruction. fence.i is for one hart, so the process must stay on its vCPU. */
static void patch_itself(void) {
  uint32_t *code = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
  code[0] = UINT32_C(0x00b52023); /* sw a1, 0(a0) */
  code[1] = FENCE_I;
  code[2] = NOP;
  code[3] = RETURN;
  flush_code(code, 16);
  for (int i = 0; i < PATCHES; i++) {
    int64_t value = random_value();
    expect("value of code that patches itself", call(code, (uint64_t)&code[2], set_a0(value)), (uint64_t)value);
  }
  unmap(code, PAGE);
}

/* One address, two pages of code that take turns below it. */
static void remap(void) {
  static const long pages = 2;
  int fd = (int)checked(syscall3(SYS_MEMFD_CREATE, (long)"code", 0, 0), "error of memfd_create");
  checked(syscall3(SYS_FTRUNCATE, fd, pages * PAGE, 0), "error of ftruncate");
  uint8_t *view = (uint8_t *)checked(
      syscall6(SYS_MMAP, 0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "error of mmap of code");
  int64_t values[] = {random_value(), random_value()};
  for (int i = 0; i < pages; i++) write_loop((uint32_t *)(view + i * PAGE), values[i]);
  void *place = map(PAGE, PROT_NONE, MAP_PRIVATE);
  for (int i = 0; i < PATCHES; i++) {
    int which = (int)random_below(2);
    checked(syscall6(SYS_MMAP, (long)place, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, which * PAGE),
            "error of mmap over code");
    flush_code(place, PAGE);
    expect("sum of remapped code", call(place, 5, LOOPS), (uint64_t)(5 + values[which] * LOOPS));
  }
  unmap(place, PAGE);
  unmap(view, pages * PAGE);
  close_file(fd);
}

static struct {
  uint32_t *code;
  uint64_t begun, done; /* versions that the writer has begun to write, and made known */
  int id;
} across;
static uint8_t stack[STACK] __attribute__((aligned(16)));

static void call_while_patched(void *unused) {
  (void)unused;
  for (uint64_t done = 0; done < PATCHES;) {
    done = __atomic_load_n(&across.done, __ATOMIC_ACQUIRE);
    uint64_t version = call(across.code, 0, 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t begun = __atomic_load_n(&across.begun, __ATOMIC_ACQUIRE);
    if (version < done) wrong("version of code patched by another vCPU, too old", version, done);
    if (version > begun) wrong("version of code patched by another vCPU, not written yet", version, begun);
  }
}

/* A thread calls, this one patches. What riscv_flush_icache has carried to all vCPUs, the caller has to see. */
static void patch_across(void) {
  across.code = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
  across.begun = across.done = 0;
  write_loop(across.code, 0);
  flush_code(across.code, 16);
  checked(start_task(THREAD_FLAGS, stack + STACK, &across.id, call_while_patched, 0), "error of clone");
  for (uint64_t version = 1; version <= PATCHES; version++) {
    __atomic_store_n(&across.begun, version, __ATOMIC_SEQ_CST);
    __atomic_store_n(across.code, add_a0((int64_t)version), __ATOMIC_SEQ_CST);
    flush_code(across.code, 4);
    __atomic_store_n(&across.done, version, __ATOMIC_RELEASE);
    if ((version & 3) == 0) syscall3(SYS_SCHED_YIELD, 0, 0, 0);
  }
  for (int id; (id = __atomic_load_n(&across.id, __ATOMIC_ACQUIRE)) != 0;) futex_wait(&across.id, id);
  unmap(across.code, PAGE);
}

static void code_round(void) {
  many_functions();
  hot_loop();
  if (self.number == 0) patch_itself();
  remap();
  patch_across();
}

const struct kind code_kind = {"code", code_round};

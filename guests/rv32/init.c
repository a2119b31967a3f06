/*
 * The first process of a 32-bit Linux, and its only program: says that it is up and on how many processors, has a
 * process on each of them compute, sleep, and talk to its parent, says how many came to what was expected, and powers
 * the machine off. Without a C library, which Debian has for no 32-bit RISC-V.
 */
typedef unsigned int u32;
typedef unsigned long long u64;

enum {
  CALL_PIPE = 59,
  CALL_READ = 63,
  CALL_WRITE = 64,
  CALL_EXIT = 93,
  CALL_WAITID = 95,
  CALL_SET_AFFINITY = 122,
  CALL_GET_AFFINITY = 123,
  CALL_REBOOT = 142,
  CALL_CLONE = 220,
  CALL_MMAP = 222,
  CALL_CLOCK_GETTIME64 = 403,
  CALL_CLOCK_NANOSLEEP_TIME64 = 407,
};
enum { SIGCHLD = 17, WEXITED = 4, CLOCK_MONOTONIC = 1, PROT_READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
enum { MOST_PROCESSORS = 64, PAGES = 64, PAGE = 4096, SLEEPS = 20, SLEEP_NS = 3000000 };

struct timespec64 {
  long long seconds;
  long long nanoseconds;
};

void *memset(void *to, int value, u32 size) {
  for (u32 i = 0; i < size; i++) ((volatile char *)to)[i] = (char)value;
  return to;
}

static long call6(long number, long a, long b, long c, long d, long e, long f) {
  register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e, a5 __asm__("a5") = f, a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
  return a0;
}
static long call(long number, long a, long b, long c, long d) { return call6(number, a, b, c, d, 0, 0); }

static void say(const char *text) {
  long length = 0;
  while (text[length]) length++;
  call(CALL_WRITE, 1, (long)text, length, 0);
}

static void say_number(const char *before, u32 value) {
  char text[12];
  int at = sizeof text - 1;
  text[at] = 0;
  do text[--at] = (char)('0' + value % 10);
  while (value /= 10);
  say(before);
  say(text + at);
  say("\n");
}

/* Xorshift, a sum of products of 64 bits, and an exact sum of doubles. */
static u32 compute(u32 seed) {
  u32 x = seed;
  u64 sum = 0;
  double halves = 0;
  for (int i = 0; i < 1000000; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    sum += (u64)x * (seed | 1);
    halves += (double)(x & 0xffff) * 0.5;
  }
  return (u32)sum ^ (u32)(sum >> 32) ^ (u32)(halves * 2.0);
}

static u64 nanoseconds(void) {
  struct timespec64 now = {0, 0};
  call(CALL_CLOCK_GETTIME64, CLOCK_MONOTONIC, (long)&now, 0, 0);
  return (u64)now.seconds * 1000000000u + (u64)now.nanoseconds;
}

/* None may end early, and the clock must not go back. */
static int sleeps(void) {
  for (int i = 0; i < SLEEPS; i++) {
    struct timespec64 time = {0, SLEEP_NS};
    u64 before = nanoseconds();
    if (call(CALL_CLOCK_NANOSLEEP_TIME64, CLOCK_MONOTONIC, 0, (long)&time, 0) != 0) return 0;
    if (nanoseconds() - before < SLEEP_NS) return 0;
  }
  return 1;
}

static void fill(volatile u32 *pages, u32 with) {
  for (u32 i = 0; i < PAGES * PAGE / 4; i += 97) pages[i] = i * 2654435761u ^ with;
}
static int holds(const volatile u32 *pages, u32 with) {
  for (u32 i = 0; i < PAGES * PAGE / 4; i += 97) {
    if (pages[i] != (i * 2654435761u ^ with)) return 0;
  }
  return 1;
}

/* On one processor; the pages are the parent's until they are written to. */
static int child(int processor, volatile u32 *pages, u32 expected, int answers) {
  unsigned char only[MOST_PROCESSORS / 8] = {0};
  only[processor / 8] = (unsigned char)(1 << processor % 8);
  if (call(CALL_SET_AFFINITY, 0, sizeof only, (long)only, 0) != 0) return 1;
  if (!holds(pages, 0)) return 2;
  fill(pages, (u32)processor + 1);
  if (compute(12345) != expected) return 3;
  if (!sleeps()) return 4;
  if (!holds(pages, (u32)processor + 1)) return 5;
  unsigned char answer = (unsigned char)processor;
  return call(CALL_WRITE, answers, (long)&answer, 1, 0) == 1 ? 0 : 6;
}

static int processors(void) {
  unsigned char mask[MOST_PROCESSORS / 8] = {0};
  long bytes = call(CALL_GET_AFFINITY, 0, sizeof mask, (long)mask, 0);
  int count = 0;
  for (long i = 0; i < bytes; i++) {
    for (int bit = 0; bit < 8; bit++) count += mask[i] >> bit & 1;
  }
  return count;
}

static int children(int count) {
  int ends[2];
  volatile u32 *pages = (u32 *)call6(CALL_MMAP, 0, PAGES * PAGE, PROT_READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
  u32 expected = compute(12345);
  if (call(CALL_PIPE, (long)ends, 0, 0, 0) != 0) return 0;
  fill(pages, 0);
  for (int processor = 0; processor < count; processor++) {
    if (call(CALL_CLONE, SIGCHLD, 0, 0, 0) == 0) {
      call(CALL_EXIT, child(processor, pages, expected, ends[1]), 0, 0, 0);
    }
  }
  int good = 0;
  u32 answered = 0;
  for (int left = count; left > 0; left--) {
    int information[32] = {0};
    call6(CALL_WAITID, 0, 0, (long)information, WEXITED, 0, 0);
    int status = information[5];
    if (status != 0) {
      say_number("a process ended with ", (u32)status);
      continue;
    }
    unsigned char answer = 0;
    call(CALL_READ, ends[0], (long)&answer, 1, 0);
    good += !(answered >> answer & 1);
    answered |= 1u << answer;
  }
  return holds(pages, 0) ? good : 0;
}

void _start(void) {
  say("hartvisor: userspace is up\n");
  int count = processors();
  say_number("processors: ", (u32)count);
  say_number("processes that agree: ", (u32)children(count));
  call(CALL_REBOOT, (long)0xfee1dead, 672274793, 0x4321fedc, 0);
  for (;;) {
  }
}

/* Address spaces: pages that come, go, move, are copied on write and protected. */
#include "soak.h"

enum { PAGES = 18 };

static uint8_t *volatile protected_start;
static volatile uint64_t faults;

/* Makes the page writable, so that the access succeeds when it is tried again. */
static int on_protected(uint64_t address) {
  uint64_t offset = address - (uint64_t)protected_start;
  if (protected_start == 0 || offset >= PAGES * PAGE) return 0;
  faults++;
  syscall3(SYS_MPROTECT, (long)(address & -(uint64_t)PAGE), PAGE, PROT_READ | PROT_WRITE);
  return 1;
}

/* One word of each page is enough for most checks, at a place that differs. */
static volatile uint64_t *word_of(uint8_t *pages, size_t page) {
  return (volatile uint64_t *)(pages + page * PAGE + page * 72 % PAGE);
}
static void mark(uint8_t *pages, size_t from, size_t to, uint64_t seed) {
  for (size_t i = from; i < to; i++) *word_of(pages, i) = seed + i * i;
}
static void expect_marked(const char *what, uint8_t *pages, size_t from, size_t to, uint64_t seed) {
  for (size_t i = from; i < to; i++) expect(what, *word_of(pages, i), seed + i * i);
}

/* Parent and child write half each at the same time, and nobody sees the other's. */
static void copy_on_write(uint8_t *pages, uint64_t seed) {
  mark(pages, 0, PAGES, seed);
  long child = fork_process();
  uint64_t own = seed ^ (child == 0 ? 0x1111 : 0x2222);
  size_t half = PAGES / 2, from = child == 0 ? 0 : half / 2;
  mark(pages, from, from + half, own);
  expect_marked("own page after fork", pages, from, from + half, own);
  expect_marked("page before the written ones", pages, 0, from, seed);
  expect_marked("page behind the written ones", pages, from + half, PAGES, seed);
  if (child == 0) exit_process(0);
  wait_well(child);
  expect_marked("own page after the child's end", pages, from, from + half, own);
  mark(pages, 0, PAGES, seed);
}

static void shared(uint64_t seed) {
  uint8_t *pages = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
  mark(pages, 0, PAGES / 2, seed);
  long child = fork_process();
  if (child == 0) {
    expect_marked("shared page in a child", pages, 0, PAGES / 2, seed);
    mark(pages, PAGES / 2, PAGES, seed);
    exit_process(0);
  }
  wait_well(child);
  expect_marked("shared page", pages, 0, PAGES, seed);
  unmap(pages, PAGES * PAGE);
}

static void protect(uint8_t *pages, uint64_t seed) {
  static const long less[] = {PROT_NONE, PROT_READ};
  mark(pages, 0, PAGES, seed);
  protected_start = pages;
  for (int i = 0; i < 2; i++) {
    faults = 0;
    checked(syscall3(SYS_MPROTECT, (long)pages, PAGES * PAGE, less[i]), "error of mprotect");
    uint64_t wanted = 0;
    for (size_t page = random_below(3); page < PAGES; page += 3, wanted++) *word_of(pages, page) = seed + page * page;
    expect("faults of protected pages", faults, wanted);
    checked(syscall3(SYS_MPROTECT, (long)pages, PAGES * PAGE, PROT_READ | PROT_WRITE), "error of mprotect");
    expect_marked("page after protection", pages, 0, PAGES, seed);
    expect("faults without protection", faults, wanted);
  }
  protected_start = 0;
}

static void discard(uint8_t *pages, uint64_t seed) {
  enum { MADV_DONTNEED = 4 };
  size_t from = random_below(PAGES / 2), count = 1 + random_below(PAGES / 2);
  checked(syscall3(SYS_MADVISE, (long)pages + (long)(from * PAGE), (long)(count * PAGE), MADV_DONTNEED),
          "error of madvise");
  for (size_t i = from; i < from + count; i++) expect("discarded page", *word_of(pages, i), 0);
  expect_marked("page before the discarded", pages, 0, from, seed);
  expect_marked("page behind the discarded", pages, from + count, PAGES, seed);
}

/* Growing makes the kernel move the pages: something else lies behind them. */
static void move(uint64_t seed) {
  enum { MREMAP_MAYMOVE = 1, FEW = 4 };
  uint8_t *pages = map(FEW * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  fill(pages, FEW * PAGE, seed, 0);
  uint8_t *moved = (uint8_t *)checked(
      syscall4(SYS_MREMAP, (long)pages, FEW * PAGE, PAGES * PAGE, MREMAP_MAYMOVE), "error of mremap");
  expect_filled("byte after mremap", moved, FEW * PAGE, seed, 0);
  for (size_t i = FEW; i < PAGES; i++) expect("page that mremap added", *word_of(moved, i), 0);
  unmap(moved, PAGES * PAGE);
}

static void page_round(void) {
  uint64_t seed = random64();
  on_fault = on_protected;
  uint8_t *pages = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  for (size_t i = 0; i < PAGES; i += 5) expect("new page", *word_of(pages, i), 0);
  copy_on_write(pages, seed);
  protect(pages, seed + 1);
  discard(pages, seed + 1);
  unmap(pages, PAGES * PAGE);
  shared(seed + 2);
  move(seed + 3);
}

const struct kind page_kind = {"page", page_round};

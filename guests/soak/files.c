/* File churn in tmpfs: what was written is read back, holes are zero, and sizes and names are what they have to be. */
#include "soak.h"

enum { LARGEST = 48 * 1024, HOLE = 1 << 20, FILES = 4 };
static uint8_t buffer[LARGEST];

static long size_of(int fd) { return checked(syscall3(SYS_LSEEK, fd, 0, SEEK_END), "error of lseek"); }

static void name_file(char *to, const char *what, uint64_t number) {
  format(to, 64, "/tmp/%s.%u.%s.%u", self.kind, (uint64_t)self.number, what, number);
}

static void check_contents(int fd, size_t bytes, uint64_t seed) {
  expect("size of a file", (uint64_t)size_of(fd), bytes);
  checked(syscall3(SYS_LSEEK, fd, 0, SEEK_SET), "error of lseek");
  expect("bytes read from a file", read_all(fd, buffer, bytes), bytes);
  expect_filled("byte of a file", buffer, bytes, seed, 0);
}

/* In pieces of several sizes, so that pages are written in parts. */
static void write_pieces(int fd, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    size_t piece = 1 + random_below(9000);
    if (piece > bytes - done) piece = bytes - done;
    write_all(fd, buffer + done, piece);
    done += piece;
  }
}

static void unlink(const char *name) {
  checked(syscall3(SYS_UNLINKAT, AT_FDCWD, (long)name, 0), "error of unlinkat");
}

static void churn(uint64_t number) {
  char name[64], renamed[64];
  name_file(name, "new", number);
  name_file(renamed, "old", number & 1);
  uint64_t seed = random64();
  size_t bytes = random_below(LARGEST + 1);
  fill(buffer, bytes, seed, 0);
  int fd = open_file(name, O_RDWR | O_CREAT | O_EXCL);
  write_pieces(fd, bytes);
  check_contents(fd, bytes, seed);
  /* Over a file that an earlier turn may have left. */
  checked(syscall6(SYS_RENAMEAT2, AT_FDCWD, (long)name, AT_FDCWD, (long)renamed, 0, 0), "error of rename");
  expect("error of opening the old name", (uint64_t)-syscall4(SYS_OPENAT, AT_FDCWD, (long)name, O_RDONLY, 0),
         ENOENT);
  int again = open_file(renamed, O_RDONLY);
  check_contents(again, bytes, seed);
  close_file(again);
  close_file(fd);
}

static void expect_zeros(const char *what, int fd, size_t bytes, size_t offset) {
  expect(what, (uint64_t)syscall4(SYS_PREAD64, fd, (long)buffer, (long)bytes, (long)offset), bytes);
  for (size_t i = 0; i < bytes; i++) expect(what, buffer[i], 0);
}

static void sparse(void) {
  char name[64];
  name_file(name, "sparse", 0);
  int fd = open_file(name, O_RDWR | O_CREAT | O_EXCL);
  /* An open file without a name lives on. */
  unlink(name);
  size_t offset = HOLE + random_below(HOLE);
  uint64_t seed = random64();
  fill(buffer, 5000, seed, 0);
  expect("bytes written behind a hole",
         (uint64_t)syscall4(SYS_PWRITE64, fd, (long)buffer, 5000, (long)offset), 5000);
  expect("size with a hole", (uint64_t)size_of(fd), offset + 5000);
  expect_zeros("byte of a hole", fd, 3000, random_below(HOLE - 3000));
  expect_zeros("byte at the end of a hole", fd, 2000, offset - 2000);
  /* Bytes that were cut off do not come back. */
  checked(syscall3(SYS_FTRUNCATE, fd, (long)offset + 1234, 0), "error of ftruncate");
  checked(syscall3(SYS_FTRUNCATE, fd, (long)offset + 5000, 0), "error of ftruncate");
  expect_zeros("byte cut off", fd, 5000 - 1234, offset + 1234);
  expect("bytes read before the cut", (uint64_t)syscall4(SYS_PREAD64, fd, (long)buffer, 1234, (long)offset), 1234);
  expect_filled("byte before the cut", buffer, 1234, seed, 0);
  close_file(fd);
}

/* A mapping of a file and reads of it show the same. */
static void mapped(void) {
  char name[64];
  name_file(name, "mapped", 0);
  int fd = open_file(name, O_RDWR | O_CREAT | O_EXCL);
  size_t bytes = 4 * PAGE;
  checked(syscall3(SYS_FTRUNCATE, fd, (long)bytes, 0), "error of ftruncate");
  uint8_t *view = (uint8_t *)checked(
      syscall6(SYS_MMAP, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "error of mmap of a file");
  uint64_t seed = random64();
  fill(view, bytes / 2, seed, 0);
  fill(buffer, bytes, seed, 0);
  expect("bytes written below a mapping",
         (uint64_t)syscall4(SYS_PWRITE64, fd, (long)buffer + (long)bytes / 2, (long)bytes / 2, (long)bytes / 2),
         bytes / 2);
  expect_filled("byte of a mapped file", view, bytes, seed, 0);
  check_contents(fd, bytes, seed);
  unmap(view, bytes);
  close_file(fd);
  unlink(name);
}

static void directories(void) {
  char name[64], inner[80];
  name_file(name, "directory", 0);
  checked(syscall3(SYS_MKDIRAT, AT_FDCWD, (long)name, 0700), "error of mkdirat");
  for (uint64_t i = 0; i < FILES; i++) {
    format(inner, sizeof inner, "%s/%u", name, i);
    close_file(open_file(inner, O_RDWR | O_CREAT | O_EXCL));
  }
  enum { ENOTEMPTY = 39 };
  expect("error of removing a full directory",
         (uint64_t)-syscall3(SYS_UNLINKAT, AT_FDCWD, (long)name, AT_REMOVEDIR), ENOTEMPTY);
  for (uint64_t i = 0; i < FILES; i++) {
    format(inner, sizeof inner, "%s/%u", name, i);
    unlink(inner);
  }
  checked(syscall3(SYS_UNLINKAT, AT_FDCWD, (long)name, AT_REMOVEDIR), "error of removing a directory");
}

static void file_round(void) {
  for (uint64_t i = 0; i < FILES; i++) churn(i);
  for (uint64_t i = 0; i < 2; i++) {
    char name[64];
    name_file(name, "old", i);
    unlink(name);
  }
  sparse();
  mapped();
  directories();
}

const struct kind file_kind = {"file", file_round};

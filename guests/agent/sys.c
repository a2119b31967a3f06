#include "sys.h"

void leave(int status) {
  for (;;) syscall1(SYS_EXIT_GROUP, status);
}

void close_file(int *descriptor) {
  if (*descriptor >= 0) syscall1(SYS_CLOSE, *descriptor);
  *descriptor = -1;
}

long open_at(int folder, const char *path, long flags, long mode) {
  long result;
  do result = syscall4(SYS_OPENAT, folder, (long)path, flags | O_CLOEXEC, mode);
  while (result == -EINTR);
  return result;
}

long read_some(int descriptor, void *to, size_t bytes) {
  long result;
  do result = syscall3(SYS_READ, descriptor, (long)to, (long)bytes);
  while (result == -EINTR);
  return result;
}

long write_some(int descriptor, const void *from, size_t bytes) {
  long result;
  do result = syscall3(SYS_WRITE, descriptor, (long)from, (long)bytes);
  while (result == -EINTR);
  return result;
}

long seek_to(int descriptor, uint64_t offset) {
  int64_t place;
  return sizeof(long) == 8
             ? syscall3(SYS_LSEEK, descriptor, (long)offset, 0)
             : syscall5(SYS_LSEEK, descriptor, (long)(offset >> 32), (long)(uint32_t)offset, (long)&place, 0);
}

long set_length(int descriptor, uint64_t length) {
  /* A number of 64 bits takes two registers of RV32. */
  return syscall3(SYS_FTRUNCATE, descriptor, (long)length, (long)(length >> 32));
}

long splice_some(int from, int to, size_t bytes) {
  long result;
  do result = syscall6(SYS_SPLICE, from, 0, to, 0, (long)bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (result == -EINTR);
  return result;
}

long read_text(const char *path, char *to, size_t size) {
  int file = (int)open_at(AT_FDCWD, path, O_RDONLY, 0);
  if (file < 0) return file;
  size_t done = 0;
  long count = 0;
  while (done < size - 1 && (count = read_some(file, to + done, size - 1 - done)) > 0) done += (size_t)count;
  to[done] = 0;
  close_file(&file);
  return count < 0 ? count : (long)done;
}

void *map_pages(size_t bytes) {
  long result = syscall6(SYS_MMAP, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return result < 0 && result > -4096 ? NULL : (void *)result;
}

void unmap_pages(void *start, size_t bytes) { syscall2(SYS_MUNMAP, (long)start, (long)bytes); }

long state_of(int folder, const char *name, long flags, struct statx *to) {
  return syscall5(SYS_STATX, folder, (long)name, flags, STATX_BASIC_STATS, (long)to);
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

int equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

int begins_with(const char *text, const char *start) {
  while (*start != 0 && *text == *start) text++, start++;
  return *start == 0;
}

int append(char *to, size_t size, const char *text) {
  size_t at = length_of(to), more = length_of(text);
  if (at + more >= size) return 0;
  memcpy(to + at, text, more + 1);
  return 1;
}

int append_number(char *to, size_t size, uint32_t number) {
  char digits[11];
  size_t at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return append(to, size, digits + at);
}

uint32_t read_number(const char *text, const char **end) {
  uint32_t value = 0;
  while (*text >= '0' && *text <= '9') value = 10 * value + (uint32_t)(*text++ - '0');
  *end = text;
  return value;
}

void *memcpy(void *to, const void *from, size_t bytes) {
  char *target = to;
  const char *source = from;
  if ((((uintptr_t)target | (uintptr_t)source) & (sizeof(long) - 1)) == 0)
    for (; bytes >= sizeof(long); bytes -= sizeof(long), target += sizeof(long), source += sizeof(long))
      *(long __attribute__((may_alias)) *)target = *(const long __attribute__((may_alias)) *)source;
  while (bytes-- > 0) *target++ = *source++;
  return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
  char *target = to;
  const char *source = from;
  if (target <= source) return memcpy(to, from, bytes);
  while (bytes-- > 0) target[bytes] = source[bytes];
  return to;
}

void *memset(void *to, int value, size_t bytes) {
  char *target = to;
  while (bytes-- > 0) *target++ = (char)value;
  return to;
}

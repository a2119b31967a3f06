#include <stdarg.h>

#include "sys.h"

/* gcc calls these for copies and comparisons of its own. */
void *memcpy(void *to, const void *from, size_t bytes) {
  char *t = to;
  const char *f = from;
  while (bytes-- > 0) *t++ = *f++;
  return to;
}
void *memset(void *to, int value, size_t bytes) {
  char *t = to;
  while (bytes-- > 0) *t++ = (char)value;
  return to;
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

uint64_t read_number(const char *text) {
  uint64_t number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (uint64_t)(*text++ - '0');
  return number;
}

struct line {
  char *next, *end;
};

static void put(struct line *line, char c) {
  if (line->next < line->end) *line->next++ = c;
}

static void put_number(struct line *line, uint64_t number, unsigned base) {
  char digits[20];
  unsigned count = 0;
  do digits[count++] = "0123456789abcdef"[number % base];
  while ((number /= base) != 0);
  while (count > 0) put(line, digits[--count]);
}

static size_t format_list(char *to, size_t size, const char *text, va_list list) {
  struct line line = {to, to + size - 1};
  for (; *text != 0; text++) {
    if (*text != '%') {
      put(&line, *text);
      continue;
    }
    switch (*++text) {
      case 's':
        for (const char *s = va_arg(list, const char *); *s != 0; s++) put(&line, *s);
        break;
      case 'u':
        put_number(&line, va_arg(list, uint64_t), 10);
        break;
      case 'x':
        put_number(&line, va_arg(list, uint64_t), 16);
        break;
      default:
        put(&line, *text);
    }
  }
  *line.next = 0;
  return (size_t)(line.next - to);
}

size_t format(char *to, size_t size, const char *text, ...) {
  va_list list;
  va_start(list, text);
  size_t length = format_list(to, size, text, list);
  va_end(list);
  return length;
}

void say(const char *text, ...) {
  char line[512];
  va_list list;
  va_start(list, text);
  size_t length = format_list(line, sizeof line - 1, text, list);
  va_end(list);
  line[length] = '\n';
  /* Not write_all: that reports its failures here. */
  syscall3(SYS_WRITE, 1, (long)line, (long)length + 1);
}

/* Copies, fills, searches and comparisons of strings of many lengths and alignments, by bytes and by words. */
#include "bench.h"

#define SIZE 8192
#define ROUNDS 500000

static char text[SIZE + 64], other[SIZE + 64];

CALLED static void *copy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((((uintptr_t)t ^ (uintptr_t)f) & 7) == 0) {
    for (; size > 0 && ((uintptr_t)t & 7) != 0; size--) *t++ = *f++;
    for (; size >= 32; size -= 32, t += 32, f += 32) {
      uint64_t *words = (uint64_t *)t;
      const uint64_t *source = (const uint64_t *)f;
      uint64_t a = source[0], b = source[1], c = source[2], d = source[3];
      words[0] = a, words[1] = b, words[2] = c, words[3] = d;
    }
  }
  while (size-- > 0) *t++ = *f++;
  return to;
}

CALLED static void fill(char *to, char byte, size_t size) {
  uint64_t word = (uint8_t)byte * 0x0101010101010101u;
  for (; size > 0 && ((uintptr_t)to & 7) != 0; size--) *to++ = byte;
  for (; size >= 8; size -= 8, to += 8) *(uint64_t *)to = word;
  while (size-- > 0) *to++ = byte;
}

CALLED static size_t length(const char *s) {
  const char *end = s;
  while (*end != 0) end++;
  return (size_t)(end - s);
}

/* A zero byte shows in a word at once. */
CALLED static size_t length_by_words(const char *s) {
  const char *end = s;
  for (; ((uintptr_t)end & 7) != 0; end++) {
    if (*end == 0) return (size_t)(end - s);
  }
  for (;; end += 8) {
    uint64_t word = *(const uint64_t *)end;
    if (((word - 0x0101010101010101u) & ~word & 0x8080808080808080u) != 0) break;
  }
  while (*end != 0) end++;
  return (size_t)(end - s);
}

CALLED static int compare(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return (uint8_t)*a - (uint8_t)*b;
}

CALLED static const char *find(const char *s, char byte) {
  for (; *s != 0; s++) {
    if (*s == byte) return s;
  }
  return 0;
}

uint64_t run(void) {
  uint32_t random = 21;
  uint64_t sum = 0;
  for (long i = 0; i < SIZE; i++) text[i] = (char)('a' + next_random(&random) % 25);
  for (long round = 0; round < ROUNDS; round++) {
    uint32_t draw = next_random(&random);
    size_t size = 1 + (draw >> 8) % (draw % 16 == 0 ? 2000 : 200);
    char *to = other + (draw & 31);
    const char *from = text + (draw >> 5 & 31) + (draw >> 16 & 1023);
    copy(to, from, size);
    to[size] = 0;
    sum += length(to) + 3 * length_by_words(to);
    to[size / 2] ^= (char)(draw >> 28 == 0);
    sum = mix(sum, (uint64_t)(int64_t)compare(to, from));
    sum += find(to, 'z') != 0 ? 1 : (uint64_t)(find(to, 'q') - to);
    fill(to, (char)draw, size / 4);
    sum += (uint8_t)to[size / 8];
  }
  return sum;
}

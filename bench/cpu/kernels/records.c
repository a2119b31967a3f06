/* Records and strings: copies and comparisons of strings and structures, small calls, global variables. */
#include "bench.h"

#define ROUNDS 3600000

enum kind { FIRST, SECOND, THIRD };

struct record {
  struct record *link;
  enum kind kind;
  int32_t number;
  int64_t amounts[3];
  char name[32];
};

static struct record first, second;
static char names[2][32];
static int32_t counters[64];
static int32_t calls;

CALLED static char *copy_string(char *to, const char *from) {
  char *t = to;
  while ((*t++ = *from++)) {
  }
  return to;
}

CALLED static int compare_strings(const char *a, const char *b) {
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return (uint8_t)*a - (uint8_t)*b;
}

CALLED static enum kind next_kind(enum kind kind, int32_t limit) {
  calls++;
  switch (kind) {
    case FIRST:
      return limit > 100 ? SECOND : THIRD;
    case SECOND:
      return THIRD;
    default:
      return FIRST;
  }
}

CALLED static void add_counters(int32_t index, int32_t value) {
  counters[index & 63] = value;
  counters[(index + 1) & 63] = counters[index & 63] + 1;
  counters[(index + 30) & 63] += value / 7;
}

CALLED static void pass_on(struct record *from) {
  struct record *to = from->link;
  *to = *from;
  to->link = from;
  to->number = from->number + 5;
  to->kind = next_kind(from->kind, from->number);
  to->amounts[to->number % 3 & 1] += from->number;
}

uint64_t run(void) {
  uint64_t sum = 0;
  first.link = &second;
  second.link = &first;
  copy_string(names[0], "A name of some length, number 1");
  copy_string(first.name, names[0]);
  for (int32_t round = 0; round < ROUNDS; round++) {
    copy_string(names[1], "A name of some length, number 2");
    if (compare_strings(names[0], names[1]) > 0) sum++;
    add_counters(round, round * 3);
    pass_on(round & 1 ? &second : &first);
    if ((round & 1023) == 0) first.number = round;
  }
  for (long i = 0; i < 64; i++) sum = mix(sum, (uint64_t)counters[i]);
  sum = mix(sum, (uint64_t)calls);
  sum = mix(sum, (uint64_t)second.amounts[0]);
  return mix(sum, (uint64_t)first.amounts[1] + (uint64_t)first.name[30]);
}

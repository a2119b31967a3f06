/* Dependent loads in random order, one for each cache line, over a working set of KIB kibibytes: STEPS loads. */
#include "bench.h"

#define LINES (KIB * 1024L / 64)
struct line {
  struct line *next;
  uint64_t rest[7];
};

static struct line lines[LINES];

uint64_t run(void) {
  uint32_t random = 7;
  for (long i = 0; i < LINES; i++) lines[i].next = &lines[i];
  /* Sattolo's shuffle: one cycle through all lines. */
  for (long i = LINES - 1; i > 0; i--) {
    long j = next_random(&random) % (uint32_t)i;
    struct line *swapped = lines[i].next;
    lines[i].next = lines[j].next;
    lines[j].next = swapped;
  }
  const struct line *at = lines;
  for (long step = 0; step < STEPS; step += 4) {
    at = at->next->next;
    at = at->next->next;
  }
  return mix(1, (uint64_t)(at - lines));
}

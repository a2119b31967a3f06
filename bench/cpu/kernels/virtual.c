/* Calls through tables of methods: call sites that see one class, a few, and many in random order. */
#include "bench.h"

#define OBJECTS 1024
#define ROUNDS 5000

struct shape;
struct methods {
  uint64_t (*area)(const struct shape *);
  uint64_t (*edge)(const struct shape *);
  void (*grow)(struct shape *, uint32_t);
};
struct shape {
  const struct methods *methods;
  uint32_t width, height;
};

static uint64_t full(const struct shape *s) { return (uint64_t)s->width * s->height; }
static uint64_t half(const struct shape *s) { return full(s) / 2; }
static uint64_t round_area(const struct shape *s) { return (uint64_t)s->width * s->width * 355 / 113; }
static uint64_t frame(const struct shape *s) { return full(s) - (s->width / 2) * (uint64_t)(s->height / 2); }
static uint64_t straight(const struct shape *s) { return 2 * ((uint64_t)s->width + s->height); }
static uint64_t slanted(const struct shape *s) {
  return (uint64_t)s->width + s->height + (s->width > s->height ? s->width : s->height);
}
static uint64_t bent(const struct shape *s) { return (uint64_t)s->width * 710 / 113; }
static void widen(struct shape *s, uint32_t by) { s->width = (s->width + by) & 0xfff; }
static void lift(struct shape *s, uint32_t by) { s->height = (s->height ^ by) & 0xfff; }
static void both(struct shape *s, uint32_t by) {
  widen(s, by);
  lift(s, by);
}

static const struct methods classes[] = {
    {full, straight, both}, {half, slanted, widen},  {round_area, bent, widen},
    {frame, straight, lift}, {full, bent, lift},      {half, straight, both},
    {frame, slanted, widen}, {round_area, straight, both},
};

static struct shape sorted[OBJECTS], mixed[OBJECTS], same[OBJECTS];

CALLED static uint64_t visit(struct shape *shapes, uint32_t by) {
  uint64_t sum = 0;
  for (long i = 0; i < OBJECTS; i++) {
    struct shape *s = &shapes[i];
    sum += s->methods->area(s);
    if (sum & 1) s->methods->grow(s, by);
    sum ^= s->methods->edge(s);
  }
  return sum;
}

uint64_t run(void) {
  uint32_t random = 3;
  uint64_t sum = 0;
  for (long i = 0; i < OBJECTS; i++) {
    sorted[i].methods = &classes[i * 8 / OBJECTS];
    mixed[i].methods = &classes[next_random(&random) % 8];
    same[i].methods = &classes[0];
    sorted[i].width = mixed[i].width = same[i].width = next_random(&random) & 0xfff;
    sorted[i].height = mixed[i].height = same[i].height = next_random(&random) & 0xfff;
  }
  for (uint32_t round = 0; round < ROUNDS; round++) {
    sum = mix(sum, visit(same, round));
    sum = mix(sum, visit(sorted, round));
    sum = mix(sum, visit(mixed, round));
  }
  return sum;
}

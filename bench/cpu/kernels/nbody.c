/* Planets that attract each other, in double precision: multiply-add, division, square root. */
#include "bench.h"

#define BODIES 5
#define STEPS 400000

struct body {
  double position[3], velocity[3], mass;
};

static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 40.0},        {{5, -1, 0.1}, {0.6, 2.8, -0.02}, 0.04},  {{8, 4, -0.4}, {-1.0, 1.8, 0.01}, 0.011},
    {{13, -15, -0.2}, {1.1, 0.9, -0.01}, 0.0017}, {{15, -26, 0.2}, {0.98, 0.6, -0.03}, 0.002},
};

CALLED static void advance(double dt) {
  for (int i = 0; i < BODIES; i++) {
    struct body *a = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      struct body *b = &bodies[j];
      double d[3], square = 0;
      for (int k = 0; k < 3; k++) {
        d[k] = a->position[k] - b->position[k];
        square += d[k] * d[k];
      }
      double pull = dt / (square * __builtin_sqrt(square));
      for (int k = 0; k < 3; k++) {
        a->velocity[k] -= d[k] * b->mass * pull;
        b->velocity[k] += d[k] * a->mass * pull;
      }
    }
  }
  for (int i = 0; i < BODIES; i++) {
    for (int k = 0; k < 3; k++) bodies[i].position[k] += dt * bodies[i].velocity[k];
  }
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long step = 0; step < STEPS; step++) {
    advance(0.001);
    if (step % 1000 == 0) sum = mix_double(sum, bodies[step / 1000 % BODIES].position[0]);
  }
  return sum;
}

/* The Mandelbrot set in double precision: a tight loop of dependent operations and a comparison. */
#include "bench.h"

#define WIDTH 480
#define HEIGHT 360
#define LIMIT 400

CALLED static long steps(double cx, double cy) {
  double x = 0, y = 0;
  long step = 0;
  for (; step < LIMIT; step++) {
    double xx = x * x, yy = y * y;
    if (xx + yy > 4.0) break;
    y = 2.0 * x * y + cy;
    x = xx - yy + cx;
  }
  return step;
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long row = 0; row < HEIGHT; row++) {
    for (long column = 0; column < WIDTH; column++) {
      sum = mix(sum, (uint64_t)steps(-2.2 + 3.0 * (double)column / WIDTH, -1.2 + 2.4 * (double)row / HEIGHT));
    }
  }
  return sum;
}

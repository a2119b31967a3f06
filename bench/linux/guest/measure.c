#include "measure.h"

#include "linux.h"
#include "report.h"

static int64_t time_of(const struct benchmark *benchmark, uint64_t *iterations) {
  int64_t begin = now();
  *iterations = benchmark->run(*iterations);
  int64_t passed = now() - begin;
  return passed > 0 ? passed : 1;
}

#define WINDOW 40000000
#define QUIET_WINDOWS 3
#define MOST_ATTEMPTS 1000

/* Whether nothing else wanted to run on this vCPU for a while. */
static int has_vcpu_alone(void) {
  int64_t begin = now();
  int64_t used = cpu_time();
  int64_t passed = 0;
  while (passed < WINDOW) passed = now() - begin;
  used = cpu_time() - used;
  return used >= passed - passed / 32;
}

static int is_quiet(int vcpus) {
  for (int cpu = vcpus - 1; cpu >= 0; cpu--) {
    pin_to(cpu);
    for (int windows = 0; windows < QUIET_WINDOWS; windows++) {
      if (!has_vcpu_alone()) return 0;
    }
  }
  return 1;
}

void wait_for_kernel(int vcpus) {
  for (int attempts = 0; !is_quiet(vcpus); attempts++) {
    if (attempts == MOST_ATTEMPTS) fail("the kernel is still busy after attempts to find it at rest,", attempts);
  }
  pin_to(0);
}

/* As many iterations as fill the wanted time. Their search also warms the machine up. A moment in which the machine did
 * something else must not make them few, so the last number is tried twice. */
static uint64_t find_iterations(const struct benchmark *benchmark, int64_t target) {
  uint64_t iterations = 1;
  for (;;) {
    int64_t passed = time_of(benchmark, &iterations);
    if (passed >= target / 4) {
      int64_t again = time_of(benchmark, &iterations);
      if (again < passed) passed = again;
      if (passed >= target / 8) return iterations * (uint64_t)target / (uint64_t)passed + 1;
    }
    uint64_t factor = (uint64_t)(target / 2 / passed);
    iterations *= factor < 2 ? 2 : factor > 16 ? 16 : factor;
  }
}

void measure(const struct benchmark *benchmark, int64_t target) {
  if (benchmark->set_up) benchmark->set_up();
  uint64_t iterations = find_iterations(benchmark, target);
  int64_t passed = 0;
  /* Too short a measurement says little: the search met a slow moment, or a compiler was still at work. */
  for (int attempt = 0; attempt < 3 && passed < target / 2; attempt++) {
    if (passed > 0) iterations = iterations * (uint64_t)target / (uint64_t)passed;
    report_begin(benchmark->name);
    passed = time_of(benchmark, &iterations);
  }
  report_end("bench", benchmark->name, iterations, passed);
  if (benchmark->tear_down) benchmark->tear_down();
}

int equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

int wanted(const char *name, const char *list) {
  if (list == 0) return 1;
  while (*list != 0) {
    const char *n = name;
    while (*n != 0 && *n == *list) n++, list++;
    if (*n == 0 && (*list == 0 || *list == ',')) return 1;
    while (*list != 0 && *list++ != ',') {
    }
  }
  return 0;
}

int64_t read_number(const char *text) {
  int64_t number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (*text++ - '0');
  return number;
}

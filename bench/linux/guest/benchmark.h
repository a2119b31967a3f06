/* A benchmark, and those that there are. */
#ifndef BENCHMARK_H
#define BENCHMARK_H

#include <stdint.h>

struct benchmark {
  const char *name;
  /* vCPUs that it needs. */
  int vcpus;
  /* The first of a measurement, not part of the time; may be missing. */
  void (*set_up)(void);
  /* The work that is measured: at least as many iterations as asked for; returns how many. */
  uint64_t (*run)(uint64_t iterations);
  /* Ends what set_up started; may be missing. */
  void (*tear_down)(void);
};

extern const struct benchmark system_call, page_fault, remap, fork_exit, fork_large, fork_exec;
extern const struct benchmark context_switch, wake_other, barrier, shoot_down;
extern const struct benchmark short_sleep;
extern const struct benchmark copy_loop, pipe_copy, compute_one, compute_two;

/* The time that one timer interrupt with a signal takes from the process that runs; not a struct benchmark, for what counts is
 * not all of the time that passes. */
void measure_ticks(int64_t target);

#endif

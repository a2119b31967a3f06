/* Timer interrupts: for a process that sleeps, and for one that runs. */
#include "benchmark.h"
#include "linux.h"
#include "report.h"

#define PR_SET_TIMERSLACK 29
#define SECOND 1000000000

static void forbid_slack(void) { checked(syscall3(SYS_PRCTL, PR_SET_TIMERSLACK, 1, 0), "prctl"); }

/* The kernel sets a timer, its vCPU goes idle, and the interrupt wakes both. A microsecond is less than that takes. */
static uint64_t sleep_often(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) sleep_for(1000);
  return iterations;
}
const struct benchmark short_sleep = {"sleep", 1, forbid_slack, sleep_often, 0};

#define TICK_MICROSECONDS 1000
#define MOST_TICKS 40000

static volatile uint32_t ticks;
static uint32_t gaps[MOST_TICKS];

static void count_tick(int signal) {
  (void)signal;
  ticks = ticks + 1;
}

static void set_timer(int64_t microseconds) {
  struct itimerval timer = {{0, microseconds}, {0, microseconds}};
  checked(syscall3(SYS_SETITIMER, 0, (long)&timer, 0), "setitimer");
}

/* Keeps the gaps in the time of this process in which signals came, wherever in the loop they came: their number. */
static uint32_t collect_gaps(uint32_t wanted) {
  uint32_t seen = ticks;
  uint32_t count = 0;
  uint64_t before = read_time();
  while (count < wanted) {
    uint64_t after = read_time();
    uint32_t counted = ticks;
    if (counted != seen) {
      seen = counted;
      after = read_time();
      gaps[count++] = (uint32_t)(after - before);
    }
    before = after;
  }
  return count;
}

static uint32_t middle_gap(uint32_t count) {
  /* Shell sort. */
  for (uint32_t step = count / 2; step > 0; step /= 2) {
    for (uint32_t i = step; i < count; i++) {
      uint32_t gap = gaps[i];
      uint32_t j = i;
      for (; j >= step && gaps[j - step] > gap; j -= step) gaps[j] = gaps[j - step];
      gaps[j] = gap;
    }
  }
  return gaps[count / 2];
}

/* A machine that does not let user mode read the clock: the last benchmark cannot be run. */
static void give_up(int signal) {
  (void)signal;
  set_timer(0);
  report_skip("tick");
  finish();
}

static void on_signal(int signal, void (*handler)(int)) {
  struct sigaction action = {handler, 0, 0};
  checked(syscall4(SYS_RT_SIGACTION, signal, (long)&action, 0, 8), "rt_sigaction");
}

void measure_ticks(int64_t target) {
  on_signal(SIGILL, give_up);
  on_signal(SIGALRM, count_tick);
  uint64_t wanted = (uint64_t)target / (TICK_MICROSECONDS * 1000) + 1;
  if (wanted > MOST_TICKS) wanted = MOST_TICKS;
  set_timer(TICK_MICROSECONDS);
  collect_gaps((uint32_t)wanted / 4 + 1);
  set_timer(0);
  report_begin("tick");
  set_timer(TICK_MICROSECONDS);
  int64_t began = now();
  uint64_t began_ticks = read_time();
  uint32_t count = collect_gaps((uint32_t)wanted);
  uint64_t passed_ticks = read_time() - began_ticks;
  int64_t passed = now() - began;
  set_timer(0);
  /* The middle one, for load from outside makes some gaps long. Its unit is that of the machine's clock. */
  int64_t picoseconds = passed * 1000 / (int64_t)passed_ticks;
  report_end("part", "tick", count, (int64_t)count * middle_gap(count) * picoseconds / 1000);
}

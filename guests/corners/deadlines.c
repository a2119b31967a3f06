/* Timers that are decades away do not fire, until the clock is set to then. */
#include "corners.h"

enum { SYS_TIMERFD_CREATE = 85, SYS_TIMERFD_SETTIME = 86, SYS_CLOCK_SETTIME = 112 };
enum { REALTIME = 0, MONOTONIC = 1, ABSOLUTE = 1, NONBLOCK = 0x800 };
#define YEAR INT64_C(31556952)

struct timer {
  int64_t interval_seconds, interval_nanoseconds, seconds, nanoseconds;
};

static int start_timer(int clock, long flags, int64_t seconds) {
  int fd = (int)checked(syscall3(SYS_TIMERFD_CREATE, clock, NONBLOCK, 0), "error of timerfd_create");
  struct timer timer = {0, 0, seconds, 1};
  checked(syscall4(SYS_TIMERFD_SETTIME, fd, flags, (long)&timer, 0), "error of timerfd_settime");
  return fd;
}

static uint64_t fired(int fd) {
  uint64_t count = 0;
  long result = syscall3(SYS_READ, fd, (long)&count, sizeof count);
  if (result != -EAGAIN) checked(result, "error of read from a timer");
  return count;
}

static int64_t real_seconds(void) {
  struct timespec time;
  checked(syscall3(SYS_CLOCK_GETTIME, REALTIME, (long)&time, 0), "error of clock_gettime");
  return time.seconds;
}
static void set_clock(int64_t seconds) {
  struct timespec time = {seconds, 0};
  checked(syscall3(SYS_CLOCK_SETTIME, REALTIME, (long)&time, 0), "error of clock_settime");
}

uint64_t far_deadlines(void) {
  /* Ticks of 100 ns: 2^32 are 430 s, 2^53 are 28 years, 2^61 are 7300. The kernel's time ends after 292. */
  static const int64_t distances[] = {430,       3600,      YEAR,       14 * YEAR,  28 * YEAR,
                                      29 * YEAR, 58 * YEAR, 117 * YEAR, 1000 * YEAR};
  enum { COUNT = sizeof distances / sizeof *distances };
  int timers[2 * COUNT];
  long sleepers[COUNT];
  int64_t start = real_seconds();
  for (int i = 0; i < COUNT; i++) {
    timers[i] = start_timer(MONOTONIC, 0, distances[i]);
    timers[COUNT + i] = start_timer(REALTIME, ABSOLUTE, start + distances[i]);
    sleepers[i] = fork_process();
    if (sleepers[i] != 0) continue;
    sleep_for(INT64_MAX / (COUNT - i));
    exit_process(1);
  }
  /* All processors are idle for a while, with nothing but these. */
  for (int i = 0; i < 10; i++) sleep_for(20 * MILLISECOND);
  for (int i = 0; i < 2 * COUNT; i++) expect("far timer that has fired", fired(timers[i]), 0);
  for (int i = 0; i < COUNT; i++) {
    int status = 0;
    expect("sleeper that woke up", (uint64_t)syscall4(SYS_WAIT4, sleepers[i], (long)&status, WNOHANG, 0), 0);
    checked(syscall3(SYS_KILL, sleepers[i], SIGTERM, 0), "error of kill");
    expect("status of a sleeper", (uint64_t)wait_status(sleepers[i]), SIGTERM);
  }
  set_clock(start + 20 * YEAR);
  for (int i = 0; i < COUNT; i++) {
    expect("monotonic timer after the clock was set", fired(timers[i]), 0);
    if (distances[i] > 20 * YEAR) expect("later timer after the clock was set", fired(timers[COUNT + i]), 0);
    else
      while (fired(timers[COUNT + i]) == 0) sleep_for(MILLISECOND);
  }
  set_clock(start);
  for (int i = 0; i < 2 * COUNT; i++) close_file(timers[i]);
  return 2 * COUNT;
}

/* Signals and timers: all arrive, in order, and what they interrupt goes on as it was. */
#include "expected.h"
#include "soak.h"

enum { QUEUED = 12, TICKS = 3 };

static volatile uint64_t arrived, ticks, asked;
static volatile int64_t values[QUEUED];

static void on_queued(int number, struct siginfo *info, void *context) {
  (void)number, (void)context;
  if (arrived < QUEUED) values[arrived] = info->queued.value;
  arrived++;
}

static void queue(long process, int64_t value) {
  struct siginfo info = {.number = SIGRT, .code = -1, .queued = {.value = value}};
  checked(syscall3(SYS_RT_SIGQUEUEINFO, process, SIGRT, (long)&info), "error of rt_sigqueueinfo");
}

/* Queued while blocked: the first are fetched, the others handled when the block ends. */
static void queued_signals(void) {
  on_signal(SIGRT, on_queued);
  arrived = 0;
  long process = syscall3(SYS_GETPID, 0, 0, 0);
  int64_t base = (int64_t)random64();
  block_signal(SIG_BLOCK, SIGRT);
  for (int i = 0; i < QUEUED; i++) queue(process, base + i);
  uint64_t mask = UINT64_C(1) << (SIGRT - 1);
  for (int i = 0; i < QUEUED / 2; i++) {
    struct siginfo info;
    expect("signal fetched", (uint64_t)syscall4(SYS_RT_SIGTIMEDWAIT, (long)&mask, (long)&info, 0, 8), SIGRT);
    expect("value of a fetched signal", (uint64_t)info.queued.value, (uint64_t)(base + i));
  }
  expect("signals handled while blocked", arrived, 0);
  block_signal(SIG_UNBLOCK, SIGRT);
  expect("signals handled", arrived, QUEUED - QUEUED / 2);
  for (int i = QUEUED / 2; i < QUEUED; i++)
    expect("value of a handled signal", (uint64_t)values[i - QUEUED / 2], (uint64_t)(base + i));
}

/* Spoils the float registers; the kernel restores them for the interrupted code. */
static void on_tick(int number, struct siginfo *info, void *context) {
  (void)number, (void)info, (void)context;
  ticks++;
  __asm__ volatile(
      "fcvt.d.l fa0, sp\n\tfcvt.d.l fa1, sp\n\tfcvt.d.l fs0, sp\n\tfcvt.d.l fs1, sp\n\t"
      "fcvt.d.l ft0, sp\n\tfcvt.d.l ft1, sp\n\tfsrmi 1\n\tfmul.d ft2, fa0, fa0" ::
          : "fa0", "fa1", "fs0", "fs1", "ft0", "ft1", "ft2");
}

static void interrupted_arithmetic(void) {
  enum { ITIMER_REAL = 0 };
  static const struct itimerval every = {0, 3000, 0, 3000}, never = {0, 0, 0, 0};
  on_signal(SIGALRM, on_tick);
  ticks = 0;
  checked(syscall3(SYS_SETITIMER, ITIMER_REAL, (long)&every, 0), "error of setitimer");
  do {
    uint64_t seed = random_below(EXPECTED_BLOCKS);
    expect("interrupted float block", float_block(seed), expected_float[seed]);
    expect("interrupted integer block", integer_block(seed), expected_integer[seed]);
  } while (ticks < TICKS);
  checked(syscall3(SYS_SETITIMER, ITIMER_REAL, (long)&never, 0), "error of setitimer");
}

static void sleeps(void) {
  int64_t wanted = (int64_t)random_below(3 * MILLISECOND), before = now();
  sleep_for(wanted);
  int64_t passed = now() - before;
  expect("sleep that was too short", passed < wanted, 0);
}

static void on_asked(int number, struct siginfo *info, void *context) {
  (void)number, (void)info, (void)context;
  asked = 1;
}

static void kill(long process, int number) {
  checked(syscall3(SYS_KILL, process, number, 0), "error of kill");
}

/* Between processes: the child asks, the parent answers by ending it. */
static void parent_and_child(void) {
  on_signal(SIGUSR1, on_asked);
  asked = 0;
  block_signal(SIG_BLOCK, SIGUSR1);
  long parent = syscall3(SYS_GETPID, 0, 0, 0), child = fork_process();
  if (child == 0) {
    kill(parent, SIGUSR1);
    for (;;) sleep_for(SECOND);
  }
  uint64_t none = 0;
  while (asked == 0) syscall3(SYS_RT_SIGSUSPEND, (long)&none, 8, 0);
  block_signal(SIG_UNBLOCK, SIGUSR1);
  kill(child, SIGTERM);
  expect("status of an ended child", (uint64_t)wait_status(child), SIGTERM);
}

static void signal_round(void) {
  queued_signals();
  interrupted_arithmetic();
  sleeps();
  parent_and_child();
}

const struct kind signal_kind = {"signal", signal_round};

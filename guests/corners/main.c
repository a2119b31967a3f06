/* The first and only program of the guest: does each part once, says so, powers off. */
#include "corners.h"

static void done(const char *part, uint64_t count) {
  say("corners: %s %u, %u ms", part, count, (uint64_t)(now() / MILLISECOND));
}

/* In a process of its own, because the kernel reports each fault of the first process on the console. */
static void catch_faults(void) {
  long child = fork_process();
  if (child == 0) {
    done("faults", fault_addresses());
    exit_process(0);
  }
  wait_well(child);
}

static _Noreturn void power_off(void) {
  enum { TCSBRK = 0x5409, MAGIC = 0xfee1dead, MAGIC_2 = 672274793, POWER_OFF = 0x4321fedc };
  syscall3(SYS_IOCTL, 1, TCSBRK, 1);
  syscall4(SYS_REBOOT, (long)(int)MAGIC, MAGIC_2, POWER_OFF, 0);
  exit_process(1);
}

static unsigned count_cpus(void) {
  uint64_t mask = 0;
  checked(syscall3(SYS_SCHED_GETAFFINITY, 0, sizeof mask, (long)&mask), "error of sched_getaffinity");
  return (unsigned)__builtin_popcountll(mask);
}

/* The kernel's command line ends with -- ROUNDS. */
void start_program(long *stack) {
  const char **arguments = (const char **)(stack + 1);
  self.kind = "corners";
  self.progress = map(sizeof *self.progress, PROT_READ | PROT_WRITE, MAP_SHARED);
  self.cpus = count_cpus();
  watch_for_faults();
  checked(syscall6(SYS_MOUNT, (long)"sysfs", (long)"/sys", (long)"sysfs", 0, 0, 0), "error of mount");
  catch_faults();
  done("patches", patch_for_others());
  done("breakpoints", set_breakpoints());
  done("deadlines", far_deadlines());
  done("processors", plug_processors(stack[0] > 1 ? read_number(arguments[1]) : 1));
  done("mistakes", self.progress->wrong);
  power_off();
}

/* The first and only program of the guest: starts the workers, watches over them, reports and powers off.
 *
 *   /init SECONDS SEED INTERVAL PATIENCE [KIND,...]
 *       what the kernel passes on from behind -- on its command line: seconds of work, the seed of all random numbers,
 *       seconds between reports, seconds within which every worker has to end a round, and the kinds of work
 *   /init child ...
 *       processes.c
 */
#include "soak.h"

enum { PER_KIND = 2, WARMED_PERCENT = 85, SMALL = 4096 };

static const struct kind *const kinds[] = {
    &fork_kind,    &pipe_kind,  &file_kind,   &page_kind, &signal_kind, &thread_kind,
    &integer_kind, &float_kind, &sha256_kind, &sort_kind, &code_kind,   &switch_kind,
};
enum { KINDS = sizeof kinds / sizeof *kinds, WORKERS = KINDS * PER_KIND };

struct shared {
  uint64_t stop;
  struct progress workers[WORKERS + 1]; /* the last is the supervisor's own */
};
static struct shared *shared;

/* A worker as the supervisor knows it. */
struct watched {
  long process; /* 0 when it has ended */
  uint64_t rounds;
  int64_t changed;
};
static struct watched watched[WORKERS];
static uint64_t stalls;
/* A list with commas between; 0 for all. */
static const char *wanted_kinds;

static int is_wanted(const struct kind *kind) {
  if (wanted_kinds == 0) return 1;
  for (const char *list = wanted_kinds; *list != 0;) {
    const char *name = kind->name;
    while (*name != 0 && *name == *list) name++, list++;
    if (*name == 0 && (*list == 0 || *list == ',')) return 1;
    while (*list != 0 && *list++ != ',') {
    }
  }
  return 0;
}

static _Noreturn void work(unsigned index, uint64_t seed) {
  const struct kind *kind = kinds[index / PER_KIND];
  self.kind = kind->name;
  self.number = index % PER_KIND;
  self.cpu = index / PER_KIND % self.cpus;
  self.random = seed * 1000003 + index;
  self.progress = &shared->workers[index];
  if (self.number == 0) pin_to(self.cpu);
  while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
    kind->round();
    __atomic_fetch_add(&self.progress->rounds, 1, __ATOMIC_RELAXED);
  }
  exit_process(0);
}

static size_t read_file(const char *path, char *to, size_t bytes) {
  int fd = open_file(path, O_RDONLY);
  size_t got = read_all(fd, to, bytes - 1);
  close_file(fd);
  to[got] = 0;
  return got;
}

/* A value of /proc/meminfo, KiB. */
static uint64_t memory(const char *name) {
  char text[SMALL];
  read_file("/proc/meminfo", text, sizeof text);
  for (const char *line = text; *line != 0;) {
    const char *n = name;
    while (*n != 0 && *n == *line) n++, line++;
    if (*n == 0) {
      while (*line == ':' || *line == ' ') line++;
      return read_number(line);
    }
    while (*line != 0 && *line++ != '\n') {
    }
  }
  return 0;
}

/* R, S, D and so on, as /proc/PID/stat has it behind the name. */
static char state_of(long process) {
  char path[32], text[512];
  format(path, sizeof path, "/proc/%u/stat", (uint64_t)process);
  read_file(path, text, sizeof text);
  const char *c = text;
  while (*c != 0 && *c != ')') c++;
  return *c == 0 ? '?' : c[2];
}

/* Touches most of the memory once: what the host gives the guest for it shall not look like a leak later. */
static void warm_up(void) {
  long child = fork_process();
  if (child == 0) {
    size_t bytes = memory("MemAvailable") * 1024 / 100 * WARMED_PERCENT;
    volatile uint8_t *pages = map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    for (size_t at = 0; at < bytes; at += PAGE) pages[at] = 1;
    exit_process(0);
  }
  wait_well(child);
}

static uint64_t sum_wrong(void) {
  uint64_t sum = 0;
  for (unsigned i = 0; i <= WORKERS; i++) sum += __atomic_load_n(&shared->workers[i].wrong, __ATOMIC_RELAXED);
  return sum;
}

static void report(const char *what, int64_t start) {
  char line[480];
  size_t length = 0;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    uint64_t rounds = 0;
    if (!is_wanted(kinds[kind])) continue;
    for (unsigned i = 0; i < PER_KIND; i++)
      rounds += __atomic_load_n(&shared->workers[kind * PER_KIND + i].rounds, __ATOMIC_RELAXED);
    length += format(line + length, sizeof line - length, " %s=%u", kinds[kind]->name, rounds);
  }
  say("soak: %s t=%u wrong=%u stalls=%u free=%u available=%u |%s", what, (uint64_t)((now() - start) / SECOND),
      sum_wrong(), stalls, memory("MemFree"), memory("MemAvailable"), line);
}

static void name_worker(unsigned index, char *to) {
  format(to, 32, "%s.%u", kinds[index / PER_KIND]->name, (uint64_t)(index % PER_KIND));
}

/* Also collects orphans: this is process 1. */
static void collect(void) {
  int status;
  long process;
  while ((process = syscall4(SYS_WAIT4, -1, (long)&status, WNOHANG, 0)) > 0) {
    for (unsigned i = 0; i < WORKERS; i++) {
      if (watched[i].process != process) continue;
      watched[i].process = 0;
      char name[32];
      name_worker(i, name);
      if (status == 0) continue;
      say("soak: ENDED worker %s with status %x", name, (uint64_t)status);
      shared->workers[i].wrong++;
    }
  }
}

static void find_stalls(int64_t patience) {
  int64_t time = now();
  for (unsigned i = 0; i < WORKERS; i++) {
    struct watched *worker = &watched[i];
    uint64_t rounds = __atomic_load_n(&shared->workers[i].rounds, __ATOMIC_RELAXED);
    if (rounds != worker->rounds || worker->process == 0) {
      worker->rounds = rounds;
      worker->changed = time;
    } else if (time - worker->changed > patience) {
      char name[32], state[2] = {state_of(worker->process), 0};
      name_worker(i, name);
      say("soak: STALL worker %s: no round for %u s, %u until then, state %s", name,
          (uint64_t)((time - worker->changed) / SECOND), rounds, state);
      stalls++;
      worker->changed = time;
    }
  }
}

static unsigned count_cpus(void) {
  uint64_t mask = 0;
  checked(syscall3(SYS_SCHED_GETAFFINITY, 0, sizeof mask, (long)&mask), "error of sched_getaffinity");
  return (unsigned)__builtin_popcountll(mask);
}

static void set_up(void) {
  static const char *const mounts[][2] = {{"proc", "/proc"}, {"tmpfs", "/tmp"}};
  for (int i = 0; i < 2; i++) {
    long name = (long)mounts[i][0];
    checked(syscall6(SYS_MOUNT, name, (long)mounts[i][1], name, 0, 0, 0), "error of mount");
  }
  self.cpus = count_cpus();
}

static _Noreturn void power_off(void) {
  enum { TCSBRK = 0x5409, MAGIC = 0xfee1dead, MAGIC_2 = 672274793, POWER_OFF = 0x4321fedc };
  /* With an argument that is not 0 this waits until all output is out. */
  syscall3(SYS_IOCTL, 1, TCSBRK, 1);
  syscall4(SYS_REBOOT, (long)(int)MAGIC, MAGIC_2, POWER_OFF, 0);
  exit_process(1);
}

static int any_left(void) {
  for (unsigned i = 0; i < WORKERS; i++)
    if (watched[i].process != 0) return 1;
  return 0;
}

static _Noreturn void supervise(int64_t duration, uint64_t seed, int64_t interval, int64_t patience) {
  warm_up();
  say("soak: start cpus=%u seed=%u memory=%u", (uint64_t)self.cpus, seed, memory("MemTotal"));
  int64_t start = now(), next = start + interval;
  for (unsigned i = 0; i < WORKERS; i++) {
    if (!is_wanted(kinds[i / PER_KIND])) continue;
    watched[i].process = fork_process();
    if (watched[i].process == 0) work(i, seed);
    watched[i].changed = start;
  }
  while (now() < start + duration) {
    sleep_for(SECOND / 4);
    collect();
    find_stalls(patience);
    if (now() < next) continue;
    next += interval;
    report("report", start);
  }
  __atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
  for (int64_t last = now() + 2 * patience; any_left() && now() < last;) {
    sleep_for(SECOND / 20);
    collect();
    find_stalls(patience);
  }
  report("end", start);
  power_off();
}

void start_program(long *stack) {
  long count = stack[0];
  const char **arguments = (const char **)(stack + 1);
  if (count > 2 && equal(arguments[1], "child")) exit_process(executed_child(count, arguments));
  shared = map(sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED);
  self.progress = &shared->workers[WORKERS];
  watch_for_faults();
  set_up();
  if (count < 5) {
    say("soak: the kernel's command line lacks -- SECONDS SEED INTERVAL PATIENCE");
    power_off();
  }
  if (count > 5) wanted_kinds = arguments[5];
  int64_t duration = (int64_t)read_number(arguments[1]) * SECOND;
  int64_t interval = (int64_t)read_number(arguments[3]) * SECOND;
  supervise(duration, read_number(arguments[2]), interval, (int64_t)read_number(arguments[4]) * SECOND);
}

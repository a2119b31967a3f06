/* Processors that go and come while others work. */
#include "corners.h"

enum { SIGKILL = 9, WORKERS = 4 };

/* Computing, sleeping, and pipes between processors: each worker needs timers and wakeups where it is. */
static _Noreturn void work(uint64_t seed, volatile uint64_t *turns) {
  for (;;) {
    for (int i = 0; i < 20000; i++) next_of(&seed);
    sleep_for((int64_t)(next_of(&seed) % MILLISECOND));
    syscall3(SYS_SCHED_YIELD, 0, 0, 0);
    *turns += 1;
  }
}

static long set_online(unsigned cpu, char value) {
  char path[64];
  format(path, sizeof path, "/sys/devices/system/cpu/cpu%u/online", (uint64_t)cpu);
  int fd = open_file(path, O_RDWR);
  long result = syscall3(SYS_WRITE, fd, (long)&value, 1);
  close_file(fd);
  return result;
}

/* Linux does not wait until a processor has stopped. If its vCPU stands still just before that, the SBI refuses to start
 * it. Returns the last result; `again` counts the others. */
static long bring_back(unsigned cpu, uint64_t *again) {
  for (int attempts = 0;; attempts++) {
    long result = set_online(cpu, '1');
    if (result == 1 || attempts == 1000) return result;
    (*again)++;
    sleep_for(MILLISECOND);
  }
}

uint64_t plug_processors(uint64_t rounds) {
  volatile uint64_t *turns = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
  long workers[WORKERS];
  uint64_t count = 0, again = 0;
  for (int i = 0; i < WORKERS; i++) {
    workers[i] = fork_process();
    if (workers[i] == 0) work((uint64_t)i, turns + i * 8);
  }
  for (uint64_t round = 0; round < rounds; round++) {
    for (unsigned cpu = 0; cpu < self.cpus; cpu++) {
      long away = set_online(cpu, '0');
      expect("taking a processor away", (uint64_t)away, 1);
      expect("bringing a processor back", (uint64_t)bring_back(cpu, &again), 1);
      if (away == 1) count++;
      /* It works again: this process can be there. */
      pin_to(cpu);
      unpin(self.cpus);
    }
  }
  if (again > 0) say("corners: %u starts were too early", again);
  for (int i = 0; i < WORKERS; i++) {
    uint64_t before = turns[i * 8];
    while (turns[i * 8] == before) sleep_for(MILLISECOND);
    checked(syscall3(SYS_KILL, workers[i], SIGKILL, 0), "error of kill");
    expect("status of a worker", (uint64_t)wait_status(workers[i]), SIGKILL);
  }
  unmap((void *)turns, PAGE);
  return count;
}

/* Work in user mode, of one process and of two at once, and copies. */
#include "benchmark.h"
#include "linux.h"

#define PAGE 4096
#define BLOCK 65536
#define WORDS (BLOCK / 8)

static uint64_t from[WORDS], to[WORDS];

/* An iteration is 4 KiB. */
static uint64_t copy_blocks(uint64_t iterations) {
  uint64_t done = 0;
  for (; done < iterations; done += BLOCK / PAGE) {
    for (long i = 0; i < WORDS; i += 4) {
      uint64_t a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
      to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
    }
    __asm__ volatile("" ::: "memory");
  }
  return done;
}
const struct benchmark copy_loop = {"copy", 1, 0, copy_blocks, 0};

static struct pipe_ends channel;
static void open_channel(void) { channel = open_pipe(); }
static void close_channel(void) { close_pipe(channel); }

/* The kernel copies a page in and out again. */
static uint64_t pass_pages(uint64_t iterations) {
  for (uint64_t i = 0; i < iterations; i++) {
    checked(syscall3(SYS_WRITE, channel.to, (long)from, PAGE), "write");
    checked(syscall3(SYS_READ, channel.from, (long)to, PAGE), "read");
  }
  return iterations;
}
const struct benchmark pipe_copy = {"pipe-copy", 1, open_channel, pass_pages, close_channel};

#define TABLE 4096
static uint32_t table[TABLE];

/* Shifts, multiplications, loads, stores and branches; an iteration is 1000 steps. */
static uint64_t work(uint64_t iterations) {
  uint64_t x = 88172645463325252u;
  uint64_t sum = 0;
  for (uint64_t step = 0; step < iterations * 1000; step++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    uint32_t *entry = &table[x % TABLE];
    if (*entry & 1) sum += x * 2862933555777941757u;
    *entry += (uint32_t)step;
  }
  return sum;
}

/* Processes that wait for a number of iterations and answer when they are done: forking them is not to be measured. */
static struct worker {
  struct pipe_ends orders, answers;
  long process;
} workers[2];
static int worker_count;

static _Noreturn void serve(const struct worker *self, int cpu) {
  uint64_t iterations;
  pin_to(cpu);
  for (int i = 0; i <= cpu; i++) syscall3(SYS_CLOSE, workers[i].orders.to, 0, 0);
  while (checked(syscall3(SYS_READ, self->orders.from, (long)&iterations, 8), "read") == 8) {
    /* A sum that the compiler must work out. */
    __asm__ volatile("" ::"r"(work(iterations)));
    put_byte(self->answers.to);
  }
  exit_process(0);
}

static void start_workers(int count) {
  worker_count = count;
  for (int cpu = 0; cpu < count; cpu++) {
    struct worker *worker = &workers[cpu];
    worker->orders = open_pipe();
    worker->answers = open_pipe();
    worker->process = fork_process();
    if (worker->process == 0) serve(worker, cpu);
  }
}
static void start_one(void) { start_workers(1); }
static void start_two(void) { start_workers(2); }

static void stop_workers(void) {
  for (int cpu = 0; cpu < worker_count; cpu++) close_pipe(workers[cpu].orders);
  for (int cpu = 0; cpu < worker_count; cpu++) {
    wait_for(workers[cpu].process);
    close_pipe(workers[cpu].answers);
  }
}

/* Each of them does as many iterations. */
static uint64_t let_work(uint64_t iterations) {
  for (int cpu = 0; cpu < worker_count; cpu++) {
    checked(syscall3(SYS_WRITE, workers[cpu].orders.to, (long)&iterations, 8), "write");
  }
  for (int cpu = 0; cpu < worker_count; cpu++) get_byte(workers[cpu].answers.from);
  return iterations;
}
const struct benchmark compute_one = {"compute", 1, start_one, let_work, stop_workers};
const struct benchmark compute_two = {"compute-2", 2, start_two, let_work, stop_workers};

/* Threads of one process: atomic operations, locks, messages and barriers over futexes. */
#include "soak.h"

enum { THREADS = 4, TURNS = 200, STACK = 16384, PHASES = 8 };

static struct {
  /* Apart, so that harts contend for one thing at a time. */
  uint64_t sum __attribute__((aligned(64)));
  uint64_t exchanged __attribute__((aligned(64)));
  uint64_t bits __attribute__((aligned(64)));
  int64_t maximum __attribute__((aligned(64)));
  uint32_t narrow __attribute__((aligned(64)));
  int lock __attribute__((aligned(64)));
  uint64_t guarded, guarded_copy; /* by the lock */
  int phase __attribute__((aligned(64)));
  int waiting;
  uint64_t data __attribute__((aligned(64)));
  uint64_t published __attribute__((aligned(64)));
} common;

static int ids[THREADS];
static uint8_t stacks[THREADS][STACK] __attribute__((aligned(16)));
static uint64_t in_phase[THREADS];

/* 0 free, 1 taken, 2 taken and somebody may sleep. */
static void take_lock(int *lock) {
  int seen = 0;
  if (__atomic_compare_exchange_n(lock, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE) != 0) futex_wait(lock, 2);
}
static void free_lock(int *lock) {
  if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2) futex_wake(lock, 1);
}

static void barrier(void) {
  int phase = __atomic_load_n(&common.phase, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&common.waiting, 1, __ATOMIC_ACQ_REL) == THREADS) {
    __atomic_store_n(&common.waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&common.phase, phase + 1, __ATOMIC_RELEASE);
    futex_wake(&common.phase, THREADS);
  }
  while (__atomic_load_n(&common.phase, __ATOMIC_ACQUIRE) == phase) futex_wait(&common.phase, phase);
}

static void add_atomically(uint64_t index) {
  for (uint64_t i = 0; i < TURNS; i++) {
    __atomic_fetch_add(&common.sum, i + index, __ATOMIC_RELAXED);
    __atomic_fetch_xor(&common.bits, UINT64_C(1) << (i * 7 + index & 63), __ATOMIC_RELAXED);
    __atomic_fetch_add(&common.narrow, 1, __ATOMIC_SEQ_CST);
    /* LR/SC of our own making, with the maximum as the operation. */
    int64_t mine = (int64_t)(i * THREADS + index), seen = __atomic_load_n(&common.maximum, __ATOMIC_RELAXED);
    while (seen < mine &&
           !__atomic_compare_exchange_n(&common.maximum, &seen, mine, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    }
  }
  /* One thread takes out the value that another has put in: at the end all but one value were seen. */
  uint64_t taken = index + 1;
  for (uint64_t i = 0; i < TURNS; i++) taken = __atomic_exchange_n(&common.exchanged, taken, __ATOMIC_ACQ_REL);
  __atomic_fetch_add(&common.sum, taken << 32, __ATOMIC_RELAXED);
}

static void add_under_lock(void) {
  for (uint64_t i = 0; i < TURNS / 4; i++) {
    take_lock(&common.lock);
    uint64_t value = common.guarded;
    if ((i & 15) == 0) syscall3(SYS_SCHED_YIELD, 0, 0, 0);
    expect("second word under the lock", common.guarded_copy, value);
    common.guarded = value + 1;
    common.guarded_copy = value + 1;
    free_lock(&common.lock);
  }
}

/* Thread 0 publishes; the others may see old data never. */
static void pass_message(uint64_t index) {
  for (uint64_t i = 1; i <= TURNS; i++) {
    if (index == 0) {
      __atomic_store_n(&common.data, i * 3, __ATOMIC_RELAXED);
      __atomic_store_n(&common.published, i, __ATOMIC_RELEASE);
    } else {
      uint64_t number = __atomic_load_n(&common.published, __ATOMIC_ACQUIRE);
      uint64_t data = __atomic_load_n(&common.data, __ATOMIC_RELAXED);
      expect("message older than its number", data < number * 3, 0);
    }
  }
}

static void run_thread(void *argument) {
  uint64_t index = (uint64_t)argument;
  /* Together, so that they do get into each other's way. */
  barrier();
  add_atomically(index);
  barrier();
  add_under_lock();
  barrier();
  pass_message(index);
  for (uint64_t phase = 1; phase <= PHASES; phase++) {
    in_phase[index] = phase;
    barrier();
    for (int i = 0; i < THREADS; i++) expect("phase of a thread behind a barrier", in_phase[i], phase);
    barrier();
  }
}

static uint64_t wanted_bits(void) {
  uint64_t bits = 0;
  for (uint64_t index = 0; index < THREADS; index++)
    for (uint64_t i = 0; i < TURNS; i++) bits ^= UINT64_C(1) << (i * 7 + index & 63);
  return bits;
}

static void thread_round(void) {
  common.sum = common.exchanged = common.bits = common.guarded = common.guarded_copy = 0;
  common.maximum = -1;
  common.narrow = 0;
  common.data = common.published = 0;
  for (uint64_t i = 0; i < THREADS; i++)
    checked(start_task(THREAD_FLAGS, stacks[i] + STACK, &ids[i], run_thread, (void *)i), "error of clone");
  for (int i = 0; i < THREADS; i++)
    for (int id; (id = __atomic_load_n(&ids[i], __ATOMIC_ACQUIRE)) != 0;) futex_wait(&ids[i], id);
  /* Sums of i + index; and of the values 0 to THREADS that went round, one of which is left in the word. */
  uint64_t turns = THREADS * (TURNS * (TURNS - 1) / 2) + TURNS * (THREADS * (THREADS - 1) / 2);
  uint64_t went_round = THREADS * (THREADS + 1) / 2 - common.exchanged;
  expect("sum of atomic additions", common.sum, turns + (went_round << 32));
  expect("bits of atomic exclusive ors", common.bits, wanted_bits());
  expect("maximum", (uint64_t)common.maximum, TURNS * THREADS - 1);
  expect("32-bit atomic sum", common.narrow, THREADS * TURNS);
  expect("sum under a lock", common.guarded, THREADS * (TURNS / 4));
}

const struct kind thread_kind = {"thread", thread_round};

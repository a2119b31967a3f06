/* Processes: started, given arguments, connected, moved between vCPUs. */
#include "soak.h"

enum { CHILDREN = 4, ARGUMENTS = 24, LONGEST = 300, STACK = 16384 };

static uint64_t checksum_of_arguments(long count, const char **arguments) {
  uint64_t sum = (uint64_t)count;
  for (long i = 0; i < count; i++) sum = sum * 31 + checksum(arguments[i], length_of(arguments[i]));
  return sum;
}

/* /init child CHECKSUM ARGUMENT...: the checksum is over the arguments behind it. */
int executed_child(long count, const char **arguments) {
  uint64_t wanted = read_number(arguments[2]);
  /* The shared page of figures is not there after exec: the parent sees the status. */
  return checksum_of_arguments(count - 3, arguments + 3) == wanted ? 42 : 43;
}

struct command {
  const char *words[ARGUMENTS + 4];
  char text[ARGUMENTS][LONGEST + 1], sum[24];
};
static struct command command;

static void make_command(void) {
  long count = (long)random_below(ARGUMENTS + 1);
  command.words[0] = "/init", command.words[1] = "child", command.words[2] = command.sum;
  for (long i = 0; i < count; i++) {
    size_t length = random_below(LONGEST + 1);
    uint64_t letters = random64();
    for (size_t k = 0; k < length; k++) command.text[i][k] = (char)('a' + next_of(&letters) % 26);
    command.text[i][length] = 0;
    command.words[3 + i] = command.text[i];
  }
  command.words[3 + count] = 0;
  format(command.sum, sizeof command.sum, "%u", checksum_of_arguments(count, command.words + 3));
}

static void execute(void *unused) {
  (void)unused;
  static const char *environment[] = {"KIND=soak", 0};
  syscall3(SYS_EXECVE, (long)"/init", (long)command.words, (long)environment);
  exit_process(44);
}

/* The child borrows our memory until it executes, and we stand still meanwhile. */
static long vfork_execute(void) {
  static uint8_t stack[STACK] __attribute__((aligned(16)));
  return checked(start_task(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + STACK, 0, execute, 0), "error of vfork");
}

static void fork_round(void) {
  long children[CHILDREN];
  uint64_t local = random64(), copy = local;
  for (int i = 0; i < CHILDREN; i++) {
    if ((i & 1) == 0) {
      make_command();
      children[i] = i == 0 ? fork_process() : vfork_execute();
      if (children[i] == 0) execute(0);
      continue;
    }
    children[i] = fork_process();
    if (children[i] == 0) {
      /* A grandchild that ends first, and a stack page that is the child's own now. */
      long grandchild = fork_process();
      if (grandchild == 0) exit_process((int)(local & 0x3f));
      expect("status of a grandchild", (uint64_t)wait_status(grandchild), (local & 0x3f) << 8);
      local = ~local;
      exit_process(i);
    }
  }
  expect("local after children changed theirs", local, copy);
  for (int i = CHILDREN - 1; i >= 0; i--) {
    uint64_t status = (uint64_t)wait_status(children[i]);
    expect((i & 1) == 0 ? "status of an executed child" : "status of a forked child", status,
           (uint64_t)((i & 1) == 0 ? 42 : i) << 8);
  }
}

struct message {
  uint64_t number, bytes, sum;
};
enum { LONGEST_MESSAGE = 12000, MESSAGES = 12, STAGES = 3 };
static uint8_t buffer[LONGEST_MESSAGE];

static int receive(int fd, struct message *message) {
  size_t got = read_all(fd, message, sizeof *message);
  if (got == 0) return 0;
  expect("bytes of a message's head", got, sizeof *message);
  if (message->bytes > LONGEST_MESSAGE) {
    wrong("length of a message", message->bytes, LONGEST_MESSAGE);
    exit_process(97);
  }
  expect("bytes of a message", read_all(fd, buffer, message->bytes), message->bytes);
  expect("checksum of a message", checksum(buffer, message->bytes), message->sum);
  return 1;
}

static void send(int fd, struct message *message) {
  message->sum = checksum(buffer, message->bytes);
  write_all(fd, message, sizeof *message);
  write_all(fd, buffer, message->bytes);
}

/* Passes on what comes, each byte one larger, until the pipe is closed. */
static _Noreturn void stage(int from, int to) {
  struct message message;
  for (uint64_t number = 0; receive(from, &message); number++) {
    expect("number of a message", message.number, number);
    for (size_t i = 0; i < message.bytes; i++) buffer[i]++;
    send(to, &message);
  }
  exit_process(0);
}

static void open_pipe(int ends[2]) { checked(syscall3(SYS_PIPE2, (long)ends, 0, 0), "error of pipe2"); }

/* A writer, stages that add 1, and this process at the end of the line. */
static void pipe_round(void) {
  uint64_t seed = random64();
  long processes[STAGES + 1];
  int from = -1;
  for (int i = 0; i <= STAGES; i++) {
    int ends[2];
    open_pipe(ends);
    processes[i] = fork_process();
    if (processes[i] == 0) {
      close_file(ends[0]);
      if (i > 0) stage(from, ends[1]);
      for (uint64_t number = 0, sizes = seed; number < MESSAGES; number++) {
        struct message message = {number, next_of(&sizes) % (LONGEST_MESSAGE + 1), 0};
        fill(buffer, message.bytes, seed, number);
        send(ends[1], &message);
      }
      exit_process(0);
    }
    close_file(ends[1]);
    if (from >= 0) close_file(from);
    from = ends[0];
  }
  struct message message;
  uint64_t sizes = seed;
  for (uint64_t number = 0; number < MESSAGES; number++) {
    expect("a message", (uint64_t)receive(from, &message), 1);
    expect("length of a message", message.bytes, next_of(&sizes) % (LONGEST_MESSAGE + 1));
    for (size_t i = 0; i < message.bytes; i++) buffer[i] -= STAGES;
    expect_filled("byte of a message", buffer, message.bytes, seed, number);
  }
  expect("a message too many", (uint64_t)receive(from, &message), 0);
  close_file(from);
  for (int i = 0; i <= STAGES; i++) wait_well(processes[i]);
}

enum { HANDOVERS = 12 };

/* One word that two processes take turns to raise; on one vCPU each turn is a context switch. */
static void take_turns(int *turn, int parity) {
  for (int i = 0; i < HANDOVERS; i++) {
    int value;
    while (((value = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) & 1) != parity) futex_wait(turn, value);
    __atomic_store_n(turn, value + 1, __ATOMIC_RELEASE);
    futex_wake(turn, 1);
    expect("registers after others ran", registers_after_yield((uint64_t)value * 0x123456789abcdef), 0);
  }
}

static void migrate(void) {
  for (unsigned cpu = 0; cpu < self.cpus; cpu++) {
    pin_to(cpu);
    uint32_t seen = 0;
    checked(syscall3(SYS_GETCPU, (long)&seen, 0, 0), "error of getcpu");
    expect("vCPU after being pinned", seen, cpu);
    expect("registers after a migration", registers_after_yield(random64()), 0);
  }
  unpin(self.cpus);
}

static void switch_round(void) {
  int *turn = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
  long child = fork_process();
  take_turns(turn, child == 0);
  if (child == 0) exit_process(0);
  wait_well(child);
  expect("turns taken", (uint64_t)*turn, 2 * HANDOVERS);
  unmap(turn, PAGE);
  if (self.number > 0) migrate();
}

const struct kind fork_kind = {"fork", fork_round};
const struct kind pipe_kind = {"pipe", pipe_round};
const struct kind switch_kind = {"switch", switch_round};

/* Programs that the host starts: with pipes, or at a terminal of their own. */
#include "agent.h"

enum { MOST_WORDS = 8191, MOST_VARIABLES = 8191, OWN_VARIABLES = 6, PIPE_BYTES = 1024 << 10, STACK = 32 << 10 };

static const char *words[MOST_WORDS + 1];
static const char *variables[MOST_VARIABLES + OWN_VARIABLES + 1];
static char own[OWN_VARIABLES][512];
static const char *search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/* Signals that the agent was started with as ignored: programs are not to inherit that. */
static uint64_t ignored;
static struct limit files;

/* What the child needs. It runs in the agent's memory, which waits for it meanwhile. */
static struct {
  int descriptors[CHANNELS];
  int is_terminal;
  const char *folder, *path;
  struct account account;
  int changes_user;
  long error;
  uint32_t stage;
} child;
static char child_stack[STACK] __attribute__((aligned(16)));

static long signal_action(int number, const struct signal_action *set, struct signal_action *old) {
  return syscall4(SYS_RT_SIGACTION, number, (long)set, (long)old, 8);
}

void prepare_programs(const char *const *environment) {
  for (; *environment != NULL; environment++)
    if (begins_with(*environment, "PATH=")) search_path = *environment + sizeof "PATH=" - 1;
  for (int number = 1; number < 32; number++) {
    struct signal_action action;
    if (signal_action(number, NULL, &action) == 0 && action.handler == (void (*)(int))1)
      ignored |= UINT64_C(1) << number;
  }
  const struct signal_action ignore = {.handler = (void (*)(int))1};
  signal_action(SIGPIPE, &ignore, NULL);
  ignored |= UINT64_C(1) << SIGPIPE;
  syscall4(SYS_PRLIMIT64, 0, RLIMIT_NOFILE, 0, (long)&files);
  const struct limit most = {files.hard, files.hard};
  syscall4(SYS_PRLIMIT64, 0, RLIMIT_NOFILE, (long)&most, 0);
}

static _Noreturn void fail_child(uint32_t stage, long error) {
  child.stage = stage;
  child.error = -error;
  leave(127);
}

static void take_user(void) {
  const struct account *account = &child.account;
  if (!child.changes_user) return;
  long result = syscall2(SYS_SETGROUPS, account->group_count, (long)account->groups);
  if (result == 0) result = syscall1(SYS_SETGID, account->gid);
  if (result == 0) result = syscall1(SYS_SETUID, account->uid);
  if (result < 0) fail_child(STAGE_USER, result);
}

/* Tries the folders of PATH in their order, as execvp(3) does. */
static long execute(void) {
  for (const char *at = words[0]; *at != 0; at++)
    if (*at == '/') return syscall3(SYS_EXECVE, (long)words[0], (long)words, (long)variables);
  long error = -ENOENT;
  for (const char *at = child.path; *words[0] != 0;) {
    static char path[4096];
    size_t length = 0;
    while (at[length] != ':' && at[length] != 0) length++;
    if (length < sizeof path - 1) {
      memcpy(path, at, length);
      path[length] = 0;
      if ((length == 0 || append(path, sizeof path, "/")) && append(path, sizeof path, words[0])) {
        long result = syscall3(SYS_EXECVE, (long)path, (long)words, (long)variables);
        if (result != -ENOENT && result != -ENOTDIR && result != -EACCES) return result;
        if (result == -EACCES) error = result;
      }
    }
    if (at[length] == 0) break;
    at += length + 1;
  }
  return error;
}

static void run_child(void) {
  syscall1(SYS_SETSID, 0);
  if (child.is_terminal) syscall3(SYS_IOCTL, child.descriptors[0], TIOCSCTTY, 0);
  /* A copy is open behind execve; none of the originals is below 3. */
  for (int i = 0; i < CHANNELS; i++) syscall3(24 /* dup3 */, child.descriptors[i], i, 0);
  const struct signal_action usual = {0};
  for (int number = 1; number < 32; number++)
    if (ignored >> number & 1) signal_action(number, &usual, NULL);
  const uint64_t none = 0;
  syscall4(SYS_RT_SIGPROCMASK, SIG_SETMASK, (long)&none, 0, 8);
  syscall4(SYS_PRLIMIT64, 0, RLIMIT_NOFILE, (long)&files, 0);
  syscall1(SYS_UMASK, 022);
  take_user();
  const char *folder = child.folder;
  long result = syscall1(SYS_CHDIR, (long)(*folder != 0 ? folder : child.account.home));
  if (result < 0 && *folder != 0) fail_child(STAGE_FOLDER, result);
  if (result < 0) syscall1(SYS_CHDIR, (long)"/");
  fail_child(STAGE_PROGRAM, execute());
}

static int is_given(const char *name, long count) {
  for (long i = 0; i < count; i++)
    if (begins_with(variables[i], name)) return 1;
  return 0;
}

/* Adds a variable, unless the host has given it. */
static void add_variable(int index, long given, long *count, const char *name, const char *value) {
  if (is_given(name, given)) return;
  own[index][0] = 0;
  if (append(own[index], sizeof own[index], name) && append(own[index], sizeof own[index], value))
    variables[(*count)++] = own[index];
}

static void complete_environment(long given) {
  const struct account *account = &child.account;
  long count = given;
  child.path = search_path;
  for (long i = 0; i < given; i++)
    if (begins_with(variables[i], "PATH=")) child.path = variables[i] + sizeof "PATH=" - 1;
  add_variable(0, given, &count, "PATH=", search_path);
  add_variable(1, given, &count, "HOME=", account->home);
  add_variable(2, given, &count, "USER=", account->name);
  add_variable(3, given, &count, "LOGNAME=", account->name);
  add_variable(4, given, &count, "SHELL=", account->shell);
  if (child.is_terminal) add_variable(5, given, &count, "TERM=", "xterm-256color");
  variables[count] = NULL;
}

static long open_pipe(int *mine, int *theirs, int mine_is_first) {
  int both[2];
  long result = syscall2(SYS_PIPE2, (long)both, O_CLOEXEC);
  if (result < 0) return result;
  *mine = both[mine_is_first ? 0 : 1];
  *theirs = both[mine_is_first ? 1 : 0];
  /* The program's end waits; only the agent's does not. */
  syscall3(SYS_FCNTL, *mine, F_SETFL, O_NONBLOCK);
  return 0;
}

static long open_pipes(struct stream *stream) {
  int *mine = stream->descriptors;
  long result = open_pipe(&mine[CHANNEL_IN], &child.descriptors[0], 0);
  if (result == 0) result = open_pipe(&mine[CHANNEL_OUT], &child.descriptors[1], 1);
  if (result == 0) result = open_pipe(&mine[CHANNEL_ERR], &child.descriptors[2], 1);
  if (result == 0) syscall3(SYS_FCNTL, mine[CHANNEL_OUT], F_SETPIPE_SZ, PIPE_BYTES);
  return result;
}

static long open_terminal(struct stream *stream, uint32_t columns, uint32_t rows) {
  int *mine = stream->descriptors;
  const int zero = 0;
  mine[CHANNEL_OUT] = (int)open_at(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
  if (mine[CHANNEL_OUT] < 0) return mine[CHANNEL_OUT];
  long result = syscall3(SYS_IOCTL, mine[CHANNEL_OUT], TIOCSPTLCK, (long)&zero);
  if (result < 0) return result;
  resize(stream, columns, rows);
  mine[CHANNEL_IN] = (int)syscall3(SYS_FCNTL, mine[CHANNEL_OUT], 1030 /* F_DUPFD_CLOEXEC */, 3);
  result = syscall3(SYS_IOCTL, mine[CHANNEL_OUT], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (result >= 0) child.descriptors[0] = (int)result;
  return result < 0 ? result : mine[CHANNEL_IN] < 0 ? mine[CHANNEL_IN] : 0;
}

/* Everything is in `child`, `words` and `variables`. */
static long start_process(struct stream *stream) {
  child.error = 0;
  long process = start_child(CLONE_VM | CLONE_VFORK | SIGCHLD, child_stack + STACK, run_child);
  if (process < 0) return process;
  stream->process = (int32_t)process;
  stream->group = (int32_t)process;
  return -child.error;
}

static void close_ends(void) {
  if (child.is_terminal) child.descriptors[1] = child.descriptors[2] = -1;
  for (int i = 0; i < CHANNELS; i++) close_file(&child.descriptors[i]);
}

/* A refusal says what could not be done. */
static void refuse_program(struct stream *stream, uint32_t id, long error) {
  const uint32_t words_of_it[2] = {(uint32_t)-error, child.stage};
  send_frame(id, FRAME_DONE, 0, words_of_it, sizeof words_of_it);
  if (stream == NULL) return;
  /* A process that did not become a program has still to be reaped. */
  stream->id = NOBODY;
  for (int channel = 0; channel < CHANNELS; channel++) close_file(&stream->descriptors[channel]);
  settle(stream);
}

void start_program(uint32_t id, struct request *request) {
  uint32_t flags = take_u32(request), columns = take_u32(request), rows = take_u32(request);
  uint32_t window = take_u32(request);
  const char *user = take_text(request);
  child.folder = take_text(request);
  child.is_terminal = (flags & RUN_TERMINAL) != 0;
  child.changes_user = *user != 0;
  child.stage = STAGE_PROGRAM;
  long count = take_texts(request, words, MOST_WORDS), given = take_texts(request, variables, MOST_VARIABLES);
  if (request->is_broken || count < 1 || given < 0) {
    refuse_program(NULL, id, count < 0 || given < 0 ? -E2BIG : -EPROTO);
    return;
  }
  if (!find_account(user, &child.account)) {
    child.stage = STAGE_USER;
    refuse_program(NULL, id, -ENOENT);
    return;
  }
  complete_environment(given);
  struct stream *stream = new_stream(id, child.is_terminal ? TERMINAL : PROGRAM);
  if (stream == NULL) {
    refuse_program(NULL, id, -EMFILE);
    return;
  }
  for (int i = 0; i < CHANNELS; i++) child.descriptors[i] = -1;
  stream->credit[CHANNEL_OUT] = stream->credit[CHANNEL_ERR] = window;
  long result = child.is_terminal ? open_terminal(stream, columns, rows) : open_pipes(stream);
  if (child.is_terminal) child.descriptors[1] = child.descriptors[2] = child.descriptors[0];
  if (result == 0) result = start_process(stream);
  close_ends();
  if (result < 0) refuse_program(stream, id, result);
  else send_u32(id, FRAME_STARTED, 0, (uint32_t)stream->process);
}

void send_signal(struct stream *stream, uint32_t signal) {
  if (stream->kind != PROGRAM && stream->kind != TERMINAL) return;
  /* Behind the end of the program its group may be there yet. No other one has its number as long as that is so; where
   * an output is open, somebody of the group has it, as a rule. */
  if (stream->process == 0 && stream->descriptors[CHANNEL_OUT] < 0 && stream->descriptors[CHANNEL_ERR] < 0) return;
  syscall2(SYS_KILL, -stream->group, (long)signal);
}

void resize(struct stream *stream, uint32_t columns, uint32_t rows) {
  const struct window_size size = {(uint16_t)rows, (uint16_t)columns, 0, 0};
  if (stream->kind == TERMINAL && columns > 0)
    syscall3(SYS_IOCTL, stream->descriptors[CHANNEL_OUT], TIOCSWINSZ, (long)&size);
}

/* Bytes that a program has written and nobody has read. Those of a terminal are known when it has ended. */
static uint32_t left_in(const struct stream *stream, int channel) {
  int bytes = 0;
  if (stream->descriptors[channel] < 0) return 0;
  if (stream->kind == TERMINAL) return UINT32_MAX;
  return syscall3(SYS_IOCTL, stream->descriptors[channel], FIONREAD, (long)&bytes) < 0 ? 0 : (uint32_t)bytes;
}

static void program_ended(struct stream *stream, const struct siginfo *info) {
  const uint32_t status = (uint32_t)info->of.child.status, by_itself = info->code == CLD_EXITED;
  const uint32_t payload[4] = {by_itself ? status : 0, by_itself ? 0 : status, left_in(stream, CHANNEL_OUT),
                               left_in(stream, CHANNEL_ERR)};
  send_frame(stream->id, FRAME_EXITED, 0, payload, sizeof payload);
  if (stream->kind == PROGRAM) close_file(&stream->descriptors[CHANNEL_IN]);
  stream->process = 0;
  settle(stream);
}

int reap(void) {
  for (;;) {
    if (line_is_full()) return 0;
    struct siginfo info = {0};
    if (syscall5(SYS_WAITID, P_ALL, 0, (long)&info, WEXITED | WNOHANG, 0) < 0 || info.of.child.pid == 0) return 1;
    struct stream *stream = stream_of_process(info.of.child.pid);
    /* Others are orphans, where the agent is process 1. */
    if (stream == NULL) continue;
    if (stream->kind == TASK) finish(stream, info.code == CLD_EXITED ? (uint32_t)info.of.child.status : EIO);
    else program_ended(stream, &info);
  }
}

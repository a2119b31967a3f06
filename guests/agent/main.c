/* Entry, and what becomes of each frame. docs/agent.md says what the agent is for. */
#include "agent.h"

enum { NO_PORT = 3 };

static int signals = -1;
static int children_ended;

static void say(const char *text) { write_some(2, text, length_of(text)); }

static void begin_stream(uint32_t id, int type, struct request *request) {
  switch (type) {
    case FRAME_RUN: start_program(id, request); break;
    case FRAME_CONNECT: connect_to(id, request); break;
    case FRAME_READ: open_source(id, request); break;
    case FRAME_WRITE: open_sink(id, request); break;
    case FRAME_LIST: open_folder(id, request); break;
    case FRAME_STAT: tell_state(id, request); break;
    case FRAME_REMOVE: remove_path(id, request); break;
    case FRAME_MKDIR: make_folder(id, request); break;
    case FRAME_RENAME: rename_path(id, request); break;
    case FRAME_SYMLINK: link_path(id, request); break;
    case FRAME_CHMOD: change_mode(id, request); break;
    case FRAME_WATCH: open_watch(id, request); break;
    case FRAME_SET_TIME: set_time(id, request); break;
    case FRAME_ENTROPY: add_entropy(id, request); break;
    case FRAME_HOSTNAME: set_hostname(id, request); break;
    default: refuse(id, -ENOSYS);
  }
}

static void continue_stream(struct stream *stream, int type, int channel, struct request *request) {
  switch (type) {
    case FRAME_DATA: take_data(stream, request->at, (size_t)(request->end - request->at)); break;
    case FRAME_END: end_input(stream); break;
    case FRAME_CREDIT: stream->credit[channel < CHANNELS ? channel : 0] += take_u32(request); break;
    case FRAME_SIGNAL: send_signal(stream, take_u32(request)); break;
    case FRAME_RESIZE: {
      uint32_t columns = take_u32(request);
      resize(stream, columns, take_u32(request));
      break;
    }
    case FRAME_CANCEL: forget(stream); break;
    case FRAME_DROP: drop_output(stream, channel); break;
  }
}

static void greet(void) {
  const uint32_t hello[4] = {PROTOCOL_MAGIC_LOW, PROTOCOL_MAGIC_HIGH, PROTOCOL_VERSION,
                             (uint32_t)syscall1(SYS_GETPID, 0)};
  send_frame(NOBODY, FRAME_HELLO, 0, hello, sizeof hello);
}

/* A host begins: nobody wants what was asked for before. What was started goes on. */
static void begin_again(void) {
  forget_all();
  greet();
}

static void take_frame(uint32_t id, int type, int channel, const char *payload, size_t bytes) {
  struct request request = {payload, payload + bytes, 0};
  if (type == FRAME_HELLO) {
    begin_again();
    return;
  }
  struct stream *stream = find_stream(id);
  if (stream != NULL) continue_stream(stream, type, channel, &request);
  /* Others are for streams that were over when they were sent. */
  else if (type < FRAME_DATA && id != NOBODY) begin_stream(id, type, &request);
}

/* The host is not there any more: waits until somebody is. */
static void open_again(void) {
  const struct timespec pause = {0, 50000000};
  forget_all();
  while (open_line() < 0) syscall5(SYS_PPOLL, 0, 0, (long)&pause, 0, 8);
  struct pollfd port = {line_descriptor(), POLLIN, 0};
  while (syscall5(SYS_PPOLL, (long)&port, 1, (long)&pause, 0, 8) >= 0 && (port.happened & POLLHUP))
    syscall5(SYS_PPOLL, 0, 0, (long)&pause, 0, 8);
}

static void on_line(void) {
  if (!read_line(take_frame)) open_again();
}

static void on_signal(void) {
  struct signal_news news;
  if (read_some(signals, &news, sizeof news) > 0) children_ended = 1;
}

/* Descriptors 0 to 2 are those of programs: the agent's own are others. */
static void keep_low_descriptors(void) {
  long result;
  while ((result = open_at(AT_FDCWD, "/dev/null", O_RDWR, 0)) >= 0 && result <= 2) continue;
  if (result > 2) syscall1(SYS_CLOSE, result);
}

__attribute__((used)) static _Noreturn void run(const long *stack) {
  const char *const *words = (const char *const *)(stack + 1);
  keep_low_descriptors();
  prepare_programs(words + *stack + 1);
  if (open_line() < 0) {
    say("hartvisor-agent: there is no port " AGENT_PORT " (docs/agent.md of hartvisor).\n");
    leave(NO_PORT);
  }
  syscall1(SYS_CHDIR, (long)"/");
  const uint64_t children = UINT64_C(1) << (SIGCHLD - 1);
  syscall4(SYS_RT_SIGPROCMASK, SIG_BLOCK, (long)&children, 0, 8);
  signals = (int)syscall4(SYS_SIGNALFD4, -1, (long)&children, 8, O_NONBLOCK | O_CLOEXEC);
  for (;;) {
    if (children_ended) children_ended = !reap();
    serve_streams(signals, on_signal, on_line);
  }
}

_Noreturn void run_agent(const long *stack) { run(stack); }

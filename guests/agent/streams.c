/* Streams: what the host has asked for and is not done. */
#include "agent.h"

enum { MOST = PROTOCOL_MOST_STREAMS };

static struct stream streams[MOST];
/* All below are free from here on. */
static int used;
static struct pollfd polled[2 + CHANNELS * MOST];
static struct {
  struct stream *stream;
  int channel;
} owners[2 + CHANNELS * MOST];

struct stream *new_stream(uint32_t id, enum kind kind) {
  for (int i = 0; i < MOST; i++) {
    struct stream *stream = &streams[i];
    if (stream->kind != FREE) continue;
    memset(stream, 0, sizeof *stream);
    stream->id = id;
    stream->kind = kind;
    for (int channel = 0; channel < CHANNELS; channel++) stream->descriptors[channel] = -1;
    if (i >= used) used = i + 1;
    return stream;
  }
  return NULL;
}

struct stream *find_stream(uint32_t id) {
  for (int i = 0; i < used && id != NOBODY; i++)
    if (streams[i].kind != FREE && streams[i].id == id) return &streams[i];
  return NULL;
}

struct stream *stream_of_process(int32_t process) {
  for (int i = 0; i < used; i++)
    if (streams[i].kind != FREE && streams[i].process == process) return &streams[i];
  return NULL;
}

static void release(struct stream *stream) {
  for (int channel = 0; channel < CHANNELS; channel++) close_file(&stream->descriptors[channel]);
  if (stream->input != NULL) unmap_pages(stream->input, PROTOCOL_INPUT_WINDOW);
  if (stream->target != NULL) unmap_pages(stream->target, sizeof *stream->target);
  stream->kind = FREE;
  while (used > 0 && streams[used - 1].kind == FREE) used--;
}

void finish(struct stream *stream, uint32_t error) {
  send_u32(stream->id, FRAME_DONE, 0, error);
  release(stream);
}

void refuse(uint32_t id, long error) { send_u32(id, FRAME_DONE, 0, (uint32_t)-error); }

void settle(struct stream *stream) {
  int *descriptors = stream->descriptors;
  int is_silent = descriptors[CHANNEL_OUT] < 0 && descriptors[CHANNEL_ERR] < 0;
  if (stream->process == 0 && is_silent && descriptors[CHANNEL_IN] < 0) finish(stream, 0);
}

static void close_input(struct stream *stream) {
  if (stream->descriptors[CHANNEL_IN] < 0) return;
  if (stream->kind == SOCKET) syscall2(SYS_SHUTDOWN, stream->descriptors[CHANNEL_IN], SHUT_WR);
  close_file(&stream->descriptors[CHANNEL_IN]);
  stream->input_start = stream->input_end = 0;
  if (!stream->input_ends) send_frame(stream->id, FRAME_END, CHANNEL_IN, NULL, 0);
  stream->input_ends = 1;
}

/* The host may send as much again, which it is not told of a few bytes at a time. */
static void give_credit(struct stream *stream, size_t bytes, uint32_t window) {
  stream->credit[CHANNEL_IN] += bytes;
  if (stream->credit[CHANNEL_IN] < window / 2 && stream->input_start < stream->input_end) return;
  send_u32(stream->id, FRAME_CREDIT, CHANNEL_IN, (uint32_t)stream->credit[CHANNEL_IN]);
  stream->credit[CHANNEL_IN] = 0;
}

static void write_input(struct stream *stream) {
  int descriptor = stream->descriptors[CHANNEL_IN];
  size_t bytes = stream->input_end - stream->input_start;
  if (descriptor < 0) return;
  if (bytes > 0) {
    long count = write_some(descriptor, stream->input + stream->input_start, bytes);
    if (count == -EAGAIN) return;
    if (count < 0) {
      /* An error of a socket is told once: who reads would take what follows for its end. */
      if (stream->kind == SOCKET && count != -EPIPE) stream->failure = (uint32_t)-count;
      close_input(stream);
      settle(stream);
      return;
    }
    stream->input_start += (size_t)count;
    if (stream->input_start == stream->input_end) stream->input_start = stream->input_end = 0;
    give_credit(stream, (size_t)count, PROTOCOL_INPUT_WINDOW);
  }
  if (stream->input_ends && stream->input_end == 0) {
    close_input(stream);
    settle(stream);
  }
}

static void keep_input(struct stream *stream, const char *bytes, size_t count) {
  if (stream->descriptors[CHANNEL_IN] < 0 || stream->input_ends) return;
  if (stream->input == NULL) stream->input = map_pages(PROTOCOL_INPUT_WINDOW);
  if (stream->input_start > 0) {
    stream->input_end -= stream->input_start;
    memmove(stream->input, stream->input + stream->input_start, stream->input_end);
    stream->input_start = 0;
  }
  if (stream->input == NULL || count > PROTOCOL_INPUT_WINDOW - stream->input_end) {
    close_input(stream);
    return;
  }
  memcpy(stream->input + stream->input_end, bytes, count);
  stream->input_end += count;
  if (!stream->connecting) write_input(stream);
}

static void fill_file(struct stream *stream, const char *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    long written = write_some(stream->descriptors[CHANNEL_IN], bytes + done, count - done);
    if (written <= 0) {
      close_sink(stream, 0);
      finish(stream, written == 0 ? EIO : (uint32_t)-written);
      return;
    }
    done += (size_t)written;
  }
  stream->left -= count < stream->left ? count : stream->left;
  /* All of it is written, so that only the host's own pace counts. */
  stream->credit[CHANNEL_IN] += count;
  if (stream->credit[CHANNEL_IN] < PROTOCOL_WRITE_WINDOW / 4) return;
  send_u32(stream->id, FRAME_CREDIT, CHANNEL_IN, (uint32_t)stream->credit[CHANNEL_IN]);
  stream->credit[CHANNEL_IN] = 0;
}

void take_data(struct stream *stream, const char *bytes, size_t count) {
  if (stream->kind == FILE_SINK) fill_file(stream, bytes, count);
  else if (stream->mask != 0) watch_more(stream, bytes, count);
  else keep_input(stream, bytes, count);
}

void end_input(struct stream *stream) {
  if (stream->kind == FILE_SINK) {
    long result = close_sink(stream, 1);
    finish(stream, (uint32_t)-result);
  } else if (stream->kind == TERMINAL) {
    /* The end of input at a terminal is a character (EOT), which the line has to begin with. */
    keep_input(stream, "\4", 1);
  } else {
    stream->input_ends = 1;
    if (!stream->connecting) write_input(stream);
  }
}

static void reset_at_close(int socket) {
  const struct {
    int is_on, seconds;
  } linger = {1, 0};
  syscall5(SYS_SETSOCKOPT, socket, SOL_SOCKET, SO_LINGER, (long)&linger, sizeof linger);
}

static void abandon(struct stream *stream) {
  if (stream->id == NOBODY) return;
  stream->id = NOBODY;
  if (stream->kind == FILE_SINK) close_sink(stream, 0);
  /* What programs write from now on is taken and thrown away, so that they go on. */
  if (stream->kind != PROGRAM && stream->kind != TERMINAL && stream->kind != TASK) {
    /* A server that gets the end of its input may take it for whole. */
    if (stream->kind == SOCKET && stream->descriptors[CHANNEL_IN] >= 0) reset_at_close(stream->descriptors[CHANNEL_IN]);
    release(stream);
    return;
  }
  stream->input_ends = 1;
  if (stream->kind == PROGRAM) write_input(stream);
}

void forget(struct stream *stream) {
  send_u32(stream->id, FRAME_DONE, 0, ECANCELED);
  abandon(stream);
}

void forget_all(void) {
  for (int i = used - 1; i >= 0; i--)
    if (streams[i].kind != FREE) abandon(&streams[i]);
}

static void close_output(struct stream *stream, int channel, long result) {
  /* A terminal whose programs have all gone reports an error in place of its end. */
  if (result < 0 && (stream->kind == SOURCE || stream->kind == SOCKET)) stream->failure = (uint32_t)-result;
  if (stream->failure != 0) {
    finish(stream, stream->failure);
    return;
  }
  close_file(&stream->descriptors[channel]);
  send_frame(stream->id, FRAME_END, channel, NULL, 0);
  if (stream->kind == TERMINAL) close_input(stream);
  settle(stream);
}

/* Who writes there from now on gets SIGPIPE or EPIPE. A terminal has one end for both ways, and goes on. */
void drop_output(struct stream *stream, int channel) {
  if (stream->kind != PROGRAM || (channel != CHANNEL_OUT && channel != CHANNEL_ERR)) return;
  if (stream->descriptors[channel] >= 0) close_output(stream, channel, 0);
}

/* Bytes at a time of which a pipe's pages are passed on as they are. */
enum { BULK = 16 << 10 };

static void pass_output(struct stream *stream, int channel) {
  static char nowhere[64 << 10];
  size_t room = line_room();
  char *to = line_payload();
  if (stream->id == NOBODY) room = sizeof nowhere, to = nowhere;
  else if (room > stream->credit[channel]) room = (size_t)stream->credit[channel];
  int is_whole = stream->kind == SOURCE && stream->left == 0;
  if (stream->kind == SOURCE && room > stream->left) room = (size_t)stream->left;
  if (room == 0 && !is_whole) return;
  /* A few bytes are copied sooner than a pipe's pages are passed on. */
  int is_moved = stream->kind == PROGRAM && stream->id != NOBODY && stream->is_bulk[channel] && line_can_move();
  int from = stream->descriptors[channel];
  long count = 0;
  if (is_moved) count = line_move(stream->id, FRAME_DATA, channel, from, stream->credit[channel]);
  else if (!is_whole) count = read_some(from, to, room);
  if (count == -EAGAIN) return;
  stream->is_bulk[channel] = count >= BULK;
  if (count <= 0) {
    close_output(stream, channel, count);
    return;
  }
  stream->left -= stream->kind == SOURCE ? (size_t)count : 0;
  if (stream->id == NOBODY) return;
  stream->credit[channel] -= (size_t)count;
  if (!is_moved) line_send(stream->id, FRAME_DATA, channel, (size_t)count);
}

static void finish_connecting(struct stream *stream) {
  int error = 0;
  uint32_t size = sizeof error;
  syscall5(SYS_GETSOCKOPT, stream->descriptors[CHANNEL_OUT], SOL_SOCKET, SO_ERROR, (long)&error, (long)&size);
  stream->connecting = 0;
  if (error != 0) finish(stream, (uint32_t)error);
  else {
    send_u32(stream->id, FRAME_STARTED, 0, 0);
    write_input(stream);
  }
}

static void serve(struct stream *stream, int channel) {
  if (stream->connecting) finish_connecting(stream);
  else if (channel == CHANNEL_IN) write_input(stream);
  else if (stream->kind == FOLDER) list_more(stream);
  else pass_output(stream, channel);
}

/* What a stream waits for at a channel. */
static int16_t wanted(const struct stream *stream, int channel) {
  if (stream->connecting) return channel == CHANNEL_IN ? POLLOUT : 0;
  if (channel == CHANNEL_IN) return stream->input_start < stream->input_end ? POLLOUT : 0;
  if (stream->id == NOBODY) return POLLIN;
  if (stream->kind == FOLDER && stream->credit[channel] < LARGEST_ENTRY) return 0;
  return stream->credit[channel] > 0 && line_room() > 0 ? POLLIN : 0;
}

static int list_descriptors(int signals) {
  int16_t line = (int16_t)((line_is_full() ? 0 : POLLIN) | (line_wants_room() ? POLLOUT : 0));
  polled[0] = (struct pollfd){line_descriptor(), line, 0};
  polled[1] = (struct pollfd){signals, POLLIN, 0};
  int count = 2;
  for (int i = 0; i < used; i++)
    for (int channel = 0; channel < CHANNELS && streams[i].kind != FREE; channel++) {
      int16_t events = streams[i].descriptors[channel] < 0 ? 0 : wanted(&streams[i], channel);
      if (events == 0) continue;
      polled[count] = (struct pollfd){streams[i].descriptors[channel], events, 0};
      owners[count].stream = &streams[i];
      owners[count++].channel = channel;
    }
  return count;
}

void serve_streams(int signals, void (*on_signal)(void), void (*on_line)(void)) {
  int count = list_descriptors(signals);
  if (syscall5(SYS_PPOLL, (long)polled, count, 0, 0, 8) < 0) return;
  /* Each may have its end to tell. */
  for (int i = 2; i < count && !line_is_full(); i++) {
    struct stream *stream = owners[i].stream;
    int channel = owners[i].channel;
    /* Serving another one may have closed it. */
    if (polled[i].happened != 0 && stream->kind != FREE && stream->descriptors[channel] == polled[i].descriptor)
      serve(stream, channel);
  }
  if (polled[1].happened != 0) on_signal();
  if (polled[0].happened & (POLLIN | POLLHUP | POLLERR)) on_line();
  flush_line();
}

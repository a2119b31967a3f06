/* The port to the host: frames in, frames out. */
#include "agent.h"

enum {
  PAGE = 4096,
  PIECES = 16,
  INPUT = PROTOCOL_HEADER_BYTES + PROTOCOL_LARGEST_TO_AGENT + PROTOCOL_ALIGNMENT,
  OUTPUT = 512 << 10,
  /* What the driver copies at a time (drivers/char/virtio_console.c: port_fops_write). */
  LARGEST_WRITE = 32 << 10,
  /* Room that is kept for the answers to a request. */
  RESERVE = 16 << 10,
};

static int port = -1;
static char input[INPUT + PIECES * PAGE] __attribute__((aligned(8)));
static size_t input_bytes;
static char output[OUTPUT] __attribute__((aligned(8)));
static size_t output_start, output_end;
/* A pipe of the agent's own: pages on their way from a program's pipe to the port, which nobody copies. */
static int passage[2] = {-1, -1};
/* Bytes in it, for which the port has had the header of a frame. They come before what is in `output`. */
static size_t passage_bytes;
/* Of `output`, what comes before them: up to that header. */
static size_t bytes_ahead;
/* Of the bytes that were copied out of it, those that the port has not had yet. */
static size_t copied_start, copied_end;

/* Bytes of a frame with such a payload. */
static size_t frame_bytes(size_t payload) {
  return PROTOCOL_HEADER_BYTES + ((payload + PROTOCOL_ALIGNMENT - 1) & -(size_t)PROTOCOL_ALIGNMENT);
}

/* Opens /dev/NAME if that port of /sys/class/virtio-ports is the agent's. */
static long open_if_named(const char *device) {
  char path[128] = "/sys/class/virtio-ports/", name[64];
  if (!append(path, sizeof path, device) || !append(path, sizeof path, "/name")) return -ENOENT;
  if (read_text(path, name, sizeof name) <= 0 || !begins_with(name, AGENT_PORT "\n")) return -ENOENT;
  char file[64] = "/dev/";
  if (!append(file, sizeof file, device)) return -ENOENT;
  return open_at(AT_FDCWD, file, O_RDWR | O_NONBLOCK, 0);
}

static long search(void) {
  static char entries[PAGE] __attribute__((aligned(8)));
  int folder = (int)open_at(AT_FDCWD, "/sys/class/virtio-ports", O_RDONLY | O_DIRECTORY, 0);
  if (folder < 0) return folder;
  long found = -ENOENT, bytes;
  while (found < 0 && (bytes = syscall3(SYS_GETDENTS64, folder, (long)entries, sizeof entries)) > 0)
    for (long at = 0; at < bytes && found < 0;) {
      const struct directory_entry *entry = (const void *)(entries + at);
      if (entry->name[0] != '.') found = open_if_named(entry->name);
      at += entry->bytes;
    }
  close_file(&folder);
  return found;
}

long open_line(void) {
  close_file(&port);
  input_bytes = output_start = output_end = passage_bytes = bytes_ahead = copied_start = copied_end = 0;
  close_file(&passage[0]);
  close_file(&passage[1]);
  long result = open_at(AT_FDCWD, "/dev/virtio-ports/" AGENT_PORT, O_RDWR | O_NONBLOCK, 0);
  if (result < 0) result = search();
  if (result < 0) return result;
  port = (int)result;
  return 0;
}

int line_descriptor(void) { return port; }

/*
 * A host that begins sends more zeroes than any frame has bytes, so that what was left of one is over, and then its
 * greeting, which does not begin with a zero. No other frame has a header of zeroes.
 */
static void skip_zeroes(size_t *at) {
  static int is_skipping = 1;
  size_t zeroes = 0;
  while (*at + zeroes < input_bytes && input[*at + zeroes] == 0) zeroes++;
  if (zeroes >= PROTOCOL_HEADER_BYTES) is_skipping = 1;
  if (is_skipping) *at += zeroes;
  if (*at < input_bytes) is_skipping = 0;
}

/* Takes the whole frames that there are. */
static void take_frames(void (*take)(uint32_t, int, int, const char *, size_t)) {
  size_t at = 0;
  while (skip_zeroes(&at), input_bytes - at >= PROTOCOL_HEADER_BYTES && !line_is_full()) {
    uint32_t bytes, id;
    memcpy(&bytes, input + at, 4);
    memcpy(&id, input + at + 4, 4);
    /* The host is trusted. It is not to go on with something else, though. */
    if (bytes > PROTOCOL_LARGEST_TO_AGENT) leave(4);
    if (input_bytes - at < frame_bytes(bytes)) break;
    const char *payload = input + at + PROTOCOL_HEADER_BYTES;
    take(id, (uint8_t)input[at + 8], (uint8_t)input[at + 9], payload, bytes);
    at += frame_bytes(bytes);
  }
  input_bytes -= at;
  if (at > 0) memmove(input, input + at, input_bytes);
}

int read_line(void (*take)(uint32_t, int, int, const char *, size_t)) {
  for (;;) {
    take_frames(take);
    if (line_is_full() || input_bytes > INPUT) return 1;
    /* The driver gives one of its pages for each piece. */
    struct piece pieces[PIECES];
    for (int i = 0; i < PIECES; i++) pieces[i] = (struct piece){input + input_bytes + i * PAGE, PAGE};
    long count = syscall3(SYS_READV, port, (long)pieces, PIECES);
    if (count == -EAGAIN || count == -EINTR) return 1;
    if (count <= 0) return 0;
    input_bytes += (size_t)count;
  }
}

/*
 * Passes on some bytes of the passage by copying them: where the port takes no pages, as for want of memory
 * (drivers/char/virtio_console.c: port_fops_splice_write).
 */
static long copy_passage(void) {
  static char bytes[PAGE];
  if (copied_start == copied_end) {
    long count = read_some(passage[0], bytes, passage_bytes < sizeof bytes ? passage_bytes : sizeof bytes);
    /* The driver has lost them, for want of memory. */
    if (count <= 0) leave(6);
    copied_start = 0;
    copied_end = (size_t)count;
  }
  long count = write_some(port, bytes + copied_start, copied_end - copied_start);
  if (count > 0) copied_start += (size_t)count;
  return count;
}

static long flush_passage(void) {
  /* Bytes that are copied already come first. */
  int is_copied = copied_start < copied_end;
  long count = is_copied ? 0 : splice_some(passage[0], port, passage_bytes);
  if (count != -EAGAIN && count <= 0) count = copy_passage();
  if (count > 0) passage_bytes -= (size_t)count;
  return count;
}

static long flush_output(size_t bytes) {
  long count = write_some(port, output + output_start, bytes < LARGEST_WRITE ? bytes : LARGEST_WRITE);
  if (count <= 0) return count;
  output_start += (size_t)count;
  if (passage_bytes > 0) bytes_ahead -= (size_t)count;
  return count;
}

void flush_line(void) {
  while (line_wants_room()) {
    int is_passage = passage_bytes > 0 && bytes_ahead == 0;
    size_t bytes = passage_bytes > 0 ? bytes_ahead : output_end - output_start;
    if ((is_passage ? flush_passage() : flush_output(bytes)) <= 0) break;
  }
  if (output_start == output_end) output_start = output_end = 0;
  else if (output_start > OUTPUT / 2) {
    output_end -= output_start;
    memmove(output, output + output_start, output_end);
    output_start = 0;
  }
}

int line_is_full(void) { return OUTPUT - output_end < RESERVE; }

int line_wants_room(void) { return passage_bytes > 0 || output_start < output_end; }

size_t line_room(void) {
  size_t free = OUTPUT - output_end;
  if (free < 2 * RESERVE || passage_bytes > 0) return 0;
  free -= RESERVE + PROTOCOL_HEADER_BYTES + PROTOCOL_ALIGNMENT;
  return free < PROTOCOL_LARGEST_TO_HOST - PROTOCOL_HEADER_BYTES ? free
                                                                 : PROTOCOL_LARGEST_TO_HOST - PROTOCOL_HEADER_BYTES;
}

char *line_payload(void) { return output + output_end + PROTOCOL_HEADER_BYTES; }

/* Puts a header into `output`, and the zeroes that follow on the payload, which is `there` bytes behind it. */
static void put_frame(uint32_t id, int type, int channel, size_t bytes, size_t there) {
  char *header = output + output_end;
  uint32_t length = (uint32_t)bytes;
  memcpy(header, &length, 4);
  memcpy(header + 4, &id, 4);
  header[8] = (char)type;
  header[9] = (char)channel;
  memset(header + 10, 0, PROTOCOL_HEADER_BYTES - 10);
  size_t zeroes = frame_bytes(bytes) - PROTOCOL_HEADER_BYTES - bytes;
  memset(header + PROTOCOL_HEADER_BYTES + there, 0, zeroes);
  output_end += PROTOCOL_HEADER_BYTES + there + zeroes;
}

void line_send(uint32_t id, int type, int channel, size_t bytes) { put_frame(id, type, channel, bytes, bytes); }

int line_can_move(void) {
  if (passage[0] >= 0) return 1;
  if (syscall2(SYS_PIPE2, (long)passage, O_CLOEXEC | O_NONBLOCK) < 0) return 0;
  syscall3(SYS_FCNTL, passage[0], F_SETPIPE_SZ, PROTOCOL_LARGEST_DATA_TO_HOST);
  return 1;
}

long line_move(uint32_t id, int type, int channel, int from, size_t most) {
  if (most > PROTOCOL_LARGEST_DATA_TO_HOST) most = PROTOCOL_LARGEST_DATA_TO_HOST;
  long count = splice_some(from, passage[1], most);
  if (count <= 0) return count;
  passage_bytes = (size_t)count;
  put_frame(id, type, channel, passage_bytes, 0);
  bytes_ahead = output_end - output_start - (frame_bytes(passage_bytes) - PROTOCOL_HEADER_BYTES - passage_bytes);
  return count;
}

void send_frame(uint32_t id, int type, int channel, const void *payload, size_t bytes) {
  if (id == NOBODY && type != FRAME_HELLO) return;
  /* Answers are few and short: whoever asks waits for room before the next request is taken. */
  if (OUTPUT - output_end < frame_bytes(bytes)) leave(5);
  memcpy(line_payload(), payload, bytes);
  line_send(id, type, channel, bytes);
}

void send_u32(uint32_t id, int type, int channel, uint32_t value) {
  send_frame(id, type, channel, &value, sizeof value);
}

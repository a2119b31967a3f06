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
  input_bytes = output_start = output_end = 0;
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

void flush_line(void) {
  while (output_start < output_end) {
    size_t bytes = output_end - output_start;
    long count = write_some(port, output + output_start, bytes < LARGEST_WRITE ? bytes : LARGEST_WRITE);
    if (count <= 0) break;
    output_start += (size_t)count;
  }
  if (output_start == output_end) output_start = output_end = 0;
  else if (output_start > OUTPUT / 2) {
    output_end -= output_start;
    memmove(output, output + output_start, output_end);
    output_start = 0;
  }
}

int line_is_full(void) { return OUTPUT - output_end < RESERVE; }

int line_wants_room(void) { return output_start < output_end; }

size_t line_room(void) {
  size_t free = OUTPUT - output_end;
  if (free < 2 * RESERVE) return 0;
  free -= RESERVE + PROTOCOL_HEADER_BYTES + PROTOCOL_ALIGNMENT;
  return free < PROTOCOL_LARGEST_TO_HOST - PROTOCOL_HEADER_BYTES ? free
                                                                 : PROTOCOL_LARGEST_TO_HOST - PROTOCOL_HEADER_BYTES;
}

char *line_payload(void) { return output + output_end + PROTOCOL_HEADER_BYTES; }

void line_send(uint32_t id, int type, int channel, size_t bytes) {
  char *header = output + output_end;
  uint32_t length = (uint32_t)bytes;
  memcpy(header, &length, 4);
  memcpy(header + 4, &id, 4);
  header[8] = (char)type;
  header[9] = (char)channel;
  memset(header + 10, 0, PROTOCOL_HEADER_BYTES - 10);
  memset(header + PROTOCOL_HEADER_BYTES + bytes, 0, frame_bytes(bytes) - PROTOCOL_HEADER_BYTES - bytes);
  output_end += frame_bytes(bytes);
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

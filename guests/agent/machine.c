/* The guest as a whole: its own servers, its clock, its randomness, its name. */
#include "agent.h"

/* Sets up the loopback device, where the guest has not. Returns whether that was done. */
static int raise_loopback(int socket) {
  struct {
    char name[16];
    union {
      int16_t flags;
      char rest[24];
    } of;
  } request = {.name = "lo"};
  if (syscall3(SYS_IOCTL, socket, SIOCGIFFLAGS, (long)&request) < 0 || (request.of.flags & IFF_UP)) return 0;
  request.of.flags |= IFF_UP;
  return syscall3(SYS_IOCTL, socket, SIOCSIFFLAGS, (long)&request) == 0;
}

/* The address is as the network has it. */
static long start_connecting(int socket, uint32_t address, uint32_t port) {
  const struct socket_address to = {
      .family = AF_INET,
      .port = (uint16_t)(port >> 8 | port << 8),
      .address = address,
  };
  long result = syscall3(SYS_CONNECT, socket, (long)&to, sizeof to);
  if (result == -ENETUNREACH && raise_loopback(socket)) result = syscall3(SYS_CONNECT, socket, (long)&to, sizeof to);
  return result == -EINPROGRESS ? 0 : result;
}

void connect_to(uint32_t id, struct request *request) {
  uint32_t address = take_u32(request), port = take_u32(request), window = take_u32(request);
  struct stream *stream = new_stream(id, SOCKET);
  if (request->is_broken || stream == NULL) {
    if (stream != NULL) finish(stream, EPROTO);
    else refuse(id, -EMFILE);
    return;
  }
  int *descriptors = stream->descriptors;
  long result = syscall3(SYS_SOCKET, AF_INET, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0);
  descriptors[CHANNEL_OUT] = (int)result;
  if (result >= 0) result = start_connecting((int)result, address, port);
  if (result >= 0)
    result = descriptors[CHANNEL_IN] =
        (int)syscall3(SYS_FCNTL, descriptors[CHANNEL_OUT], 1030 /* F_DUPFD_CLOEXEC */, 3);
  stream->connecting = 1;
  stream->credit[CHANNEL_OUT] = window;
  if (result < 0) finish(stream, (uint32_t)-result);
}

void set_time(uint32_t id, struct request *request) {
  const struct timespec time = {(int64_t)take_u64(request), take_u32(request)};
  refuse(id, request->is_broken ? -EPROTO : syscall2(SYS_CLOCK_SETTIME, CLOCK_REALTIME, (long)&time));
}

void add_entropy(uint32_t id, struct request *request) {
  static struct {
    int bits, bytes;
    char data[512];
  } pool;
  size_t bytes = (size_t)(request->end - request->at);
  int device = (int)open_at(AT_FDCWD, "/dev/urandom", O_RDWR, 0);
  long result = bytes > sizeof pool.data ? -EINVAL : device;
  if (result >= 0) {
    pool.bits = (int)(8 * bytes);
    pool.bytes = (int)bytes;
    memcpy(pool.data, request->at, bytes);
    result = syscall3(SYS_IOCTL, device, RNDADDENTROPY, (long)&pool);
    memset(pool.data, 0, sizeof pool.data);
  }
  /* So that what was drawn before says nothing of what is drawn behind it. */
  if (result >= 0) result = syscall3(SYS_IOCTL, device, RNDRESEEDCRNG, 0);
  close_file(&device);
  refuse(id, result);
}

void set_hostname(uint32_t id, struct request *request) {
  const char *name = take_text(request);
  refuse(id, request->is_broken ? -EPROTO : syscall2(SYS_SETHOSTNAME, (long)name, (long)length_of(name)));
}

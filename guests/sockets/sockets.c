/* Streams over AF_VSOCK for scripts in a Linux guest:
 *
 *   sockets echo PORT COUNT   gives back what comes by COUNT connections to PORT, one after the other
 *   sockets connect PORT      sends its input to PORT of the host, and writes what comes back
 *
 * Ends with status 0, or with the number of the error of the call that failed.
 */
#include <stdint.h>

#include "../syscall.h"

enum {
  SYS_PPOLL = 73,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_CLOSE = 57,
  SYS_EXIT = 93,
  SYS_SOCKET = 198,
  SYS_BIND = 200,
  SYS_LISTEN = 201,
  SYS_ACCEPT = 202,
  SYS_CONNECT = 203,
  SYS_SHUTDOWN = 210,
};
enum { AF_VSOCK = 40, SOCK_STREAM = 1, SHUT_WR = 1, CID_ANY = -1, CID_HOST = 2 };
enum { POLLIN = 1, POLLOUT = 4, POLLHUP = 16, EINVAL = 22 };

struct address {
  uint16_t family, reserved;
  uint32_t port, cid;
  uint8_t flags, zero[3];
};
struct poll {
  int32_t descriptor;
  int16_t wanted, happened;
};

static char buffer[1 << 16], back[1 << 16];

static _Noreturn void leave(long status) {
  for (;;) syscall1(SYS_EXIT, status);
}
static long checked(long result) {
  if (result < 0) leave(-result);
  return result;
}

static void write_all(long descriptor, const char *bytes, long count) {
  while (count > 0) {
    long written = checked(syscall3(SYS_WRITE, descriptor, (long)bytes, count));
    bytes += written;
    count -= written;
  }
}

static struct address address;
static void set_address(uint32_t port, int cid) {
  address.family = AF_VSOCK;
  address.port = port;
  address.cid = (uint32_t)cid;
}

static void echo(uint32_t port, uint32_t count) {
  set_address(port, CID_ANY);
  long listener = checked(syscall2(SYS_SOCKET, AF_VSOCK, SOCK_STREAM));
  checked(syscall3(SYS_BIND, listener, (long)&address, sizeof address));
  checked(syscall2(SYS_LISTEN, listener, 8));
  write_all(1, "listening\n", 10);
  while (count-- > 0) {
    long stream = checked(syscall1(SYS_ACCEPT, listener));
    long bytes;
    while ((bytes = checked(syscall3(SYS_READ, stream, (long)buffer, sizeof buffer))) > 0)
      write_all(stream, buffer, bytes);
    checked(syscall1(SYS_CLOSE, stream));
  }
}

static void join(uint32_t port) {
  set_address(port, CID_HOST);
  long stream = checked(syscall2(SYS_SOCKET, AF_VSOCK, SOCK_STREAM));
  checked(syscall3(SYS_CONNECT, stream, (long)&address, sizeof address));
  long sent = 0, bytes = 0, ended = 0;
  for (;;) {
    if (sent == bytes && !ended) {
      sent = 0;
      bytes = checked(syscall3(SYS_READ, 0, (long)buffer, sizeof buffer));
      if (bytes == 0) {
        ended = 1;
        checked(syscall2(SYS_SHUTDOWN, stream, SHUT_WR));
      }
    }
    struct poll poll = {.descriptor = (int32_t)stream, .wanted = ended ? POLLIN : POLLIN | POLLOUT};
    checked(syscall2(SYS_PPOLL, (long)&poll, 1));
    if (poll.happened & (POLLIN | POLLHUP)) {
      long count = checked(syscall3(SYS_READ, stream, (long)back, sizeof back));
      if (count == 0) return;
      write_all(1, back, count);
    } else if (poll.happened & POLLOUT && sent < bytes) {
      /* A small piece fits in whenever there is room at all. */
      long count = bytes - sent < 1024 ? bytes - sent : 1024;
      sent += checked(syscall3(SYS_WRITE, stream, (long)buffer + sent, count));
    }
  }
}

static uint32_t number_of(const char *text) {
  uint32_t value = 0;
  while (*text >= '0' && *text <= '9') value = 10 * value + (uint32_t)(*text++ - '0');
  return value;
}

__attribute__((used)) static _Noreturn void run(const long *stack) {
  const char *const *words = (const char *const *)(stack + 1);
  if (*stack == 4 && words[1][0] == 'e') echo(number_of(words[2]), number_of(words[3]));
  else if (*stack == 3 && words[1][0] == 'c') join(number_of(words[2]));
  else leave(EINVAL);
  leave(0);
}

/* Entry: the linker lets code reach its data by gp. */
__asm__(".globl _start\n_start:\n"
        ".option push\n.option norelax\nlla gp, __global_pointer$\n.option pop\n"
        "mv a0, sp\nandi sp, sp, -16\ntail run");

/* Linux on RISC-V of both widths without a C library (numbers: include/uapi/asm-generic/unistd.h). */
#ifndef AGENT_SYS_H
#define AGENT_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "../syscall.h"

enum {
  SYS_FCNTL = 25,
  SYS_INOTIFY_INIT1 = 26,
  SYS_INOTIFY_ADD_WATCH = 27,
  SYS_IOCTL = 29,
  SYS_MKDIRAT = 34,
  SYS_UNLINKAT = 35,
  SYS_SYMLINKAT = 36,
  SYS_FTRUNCATE = 46,
  SYS_CHDIR = 49,
  SYS_FCHMOD = 52,
  SYS_FCHMODAT = 53,
  SYS_FCHOWN = 55,
  SYS_OPENAT = 56,
  SYS_CLOSE = 57,
  SYS_PIPE2 = 59,
  SYS_GETDENTS64 = 61,
  SYS_LSEEK = 62,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_READV = 65,
  SYS_WRITEV = 66,
  SYS_SIGNALFD4 = 74,
  SYS_SPLICE = 76,
  SYS_READLINKAT = 78,
  SYS_EXIT_GROUP = 94,
  SYS_WAITID = 95,
  SYS_KILL = 129,
  SYS_RT_SIGACTION = 134,
  SYS_RT_SIGPROCMASK = 135,
  SYS_SETGID = 144,
  SYS_SETUID = 146,
  SYS_SETSID = 157,
  SYS_SETGROUPS = 159,
  SYS_SETHOSTNAME = 161,
  SYS_UMASK = 166,
  SYS_GETPID = 172,
  SYS_GETUID = 174,
  SYS_SOCKET = 198,
  SYS_CONNECT = 203,
  SYS_SETSOCKOPT = 208,
  SYS_GETSOCKOPT = 209,
  SYS_SHUTDOWN = 210,
  SYS_MUNMAP = 215,
  SYS_CLONE = 220,
  SYS_EXECVE = 221,
  SYS_MMAP = 222,
  SYS_PRLIMIT64 = 261,
  SYS_RENAMEAT2 = 276,
  SYS_STATX = 291,
  /* Their times have 64 bits at both widths. */
  SYS_CLOCK_SETTIME = sizeof(long) == 8 ? 112 : 404,
  SYS_PPOLL = sizeof(long) == 8 ? 73 : 414,
};

enum { AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200, AT_EMPTY_PATH = 0x1000 };
enum {
  O_RDONLY = 0,
  O_WRONLY = 1,
  O_RDWR = 2,
  O_CREAT = 0x40,
  O_EXCL = 0x80,
  O_NOCTTY = 0x100,
  O_TRUNC = 0x200,
  O_APPEND = 0x400,
  O_NONBLOCK = 0x800,
  O_DIRECTORY = 0x10000,
  O_NOFOLLOW = 0x20000,
  O_CLOEXEC = 0x80000
};
enum {
  ENOENT = 2,
  EINTR = 4,
  EIO = 5,
  E2BIG = 7,
  EAGAIN = 11,
  EACCES = 13,
  EEXIST = 17,
  ENOTDIR = 20,
  EISDIR = 21,
  EINVAL = 22,
  EMFILE = 24,
  EPIPE = 32,
  ENAMETOOLONG = 36,
  ENOSYS = 38,
  ENOTEMPTY = 39,
  ELOOP = 40,
  EPROTO = 71,
  ENETUNREACH = 101,
  EINPROGRESS = 115,
  ECANCELED = 125,
  EPERM = 1
};
enum { S_IFMT = 0170000, S_IFDIR = 0040000, S_IFREG = 0100000, S_IFLNK = 0120000 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16 };
enum { SIGPIPE = 13, SIGCHLD = 17 };
enum { SIG_BLOCK = 0, SIG_SETMASK = 2 };
enum { CLONE_VM = 0x100, CLONE_VFORK = 0x4000 };
enum { IN_ONLYDIR = 0x1000000, IN_DONT_FOLLOW = 0x2000000 };
enum { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2 };
enum { P_ALL = 0, WNOHANG = 1, WEXITED = 4, CLD_EXITED = 1 };
enum { AF_INET = 2, SOCK_STREAM = 1, SOL_SOCKET = 1, SO_ERROR = 4, SO_LINGER = 13, SHUT_WR = 1 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
enum { RLIMIT_NOFILE = 7, F_GETFL = 3, F_SETFL = 4, F_SETPIPE_SZ = 1031 };
enum { STATX_BASIC_STATS = 0x7ff, CLOCK_REALTIME = 0 };
enum {
  TIOCSCTTY = 0x540e,
  TIOCSWINSZ = 0x5414,
  FIONREAD = 0x541b,
  TIOCSPTLCK = 0x40045431,
  TIOCGPTPEER = 0x5441,
  RNDADDENTROPY = 0x40085203,
  RNDRESEEDCRNG = 0x5207,
  SIOCGIFFLAGS = 0x8913,
  SIOCSIFFLAGS = 0x8914,
  IFF_UP = 1
};

struct timespec {
  int64_t seconds, nanoseconds;
};
struct pollfd {
  int32_t descriptor;
  int16_t wanted, happened;
};
struct piece {
  void *start;
  size_t bytes;
};
struct signal_action {
  void (*handler)(int);
  unsigned long flags, mask[sizeof(uint64_t) / sizeof(long)];
};
/* signalfd(2) */
struct signal_news {
  uint32_t number, rest[31];
};
struct siginfo {
  int32_t number, error, code;
  union {
    struct {
      int32_t pid, uid, status;
    } child;
    unsigned long words[(128 - 4 * sizeof(int32_t)) / sizeof(long)];
  } of;
};
/* include/uapi/linux/stat.h */
struct statx_time {
  int64_t seconds;
  uint32_t nanoseconds, pad;
};
struct statx {
  uint32_t mask, block_bytes;
  uint64_t attributes;
  uint32_t links, uid, gid;
  uint16_t mode, pad;
  uint64_t inode, bytes, blocks, attributes_mask;
  struct statx_time accessed, born, changed, modified;
  uint64_t rest[16];
};
struct directory_entry {
  uint64_t inode;
  int64_t offset;
  uint16_t bytes;
  uint8_t type;
  char name[];
};
struct socket_address {
  uint16_t family, port;
  uint32_t address, rest[2];
};
struct window_size {
  uint16_t rows, columns, width, height;
};
struct limit {
  uint64_t soft, hard;
};

/* start.S: clone(2) whose child runs a function on a stack of its own, which does not return. */
long start_child(long flags, void *stack_top, void (*run)(void));

_Noreturn void leave(int status);
void close_file(int *descriptor);
long open_at(int folder, const char *path, long flags, long mode);
/* Anew when a signal comes. */
long read_some(int descriptor, void *to, size_t bytes);
long write_some(int descriptor, const void *from, size_t bytes);
/* Sets the place of the next read, from the start. Returns less than 0 for an error. */
long seek_to(int descriptor, uint64_t offset);
/* Cuts a file, or lets it end with a hole. Returns 0 or an error. */
long set_length(int descriptor, uint64_t length);
/* From a pipe to a file or another pipe, whole pages as they are. Waits for nothing. */
long splice_some(int from, int to, size_t bytes);
/* All of a small file of the kernel or of /etc, as text: what does not fit is cut. Returns bytes, or an error. */
long read_text(const char *path, char *to, size_t size);
/* Pages of zeroes; NULL if there are none. */
void *map_pages(size_t bytes);
void unmap_pages(void *start, size_t bytes);
/* The state of a file; a folder's own if the name is empty. Returns 0 or an error. */
long state_of(int folder, const char *name, long flags, struct statx *to);

size_t length_of(const char *text);
int equal(const char *a, const char *b);
/* Whether a text begins with another one. */
int begins_with(const char *text, const char *start);
/* Appends a text to one in a buffer of `size` bytes. Returns 0 if it does not fit. */
int append(char *to, size_t size, const char *text);
int append_number(char *to, size_t size, uint32_t number);
/* A decimal number; `*end` is behind it. */
uint32_t read_number(const char *text, const char **end);
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

#endif

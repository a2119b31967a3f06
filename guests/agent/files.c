/* Files and folders. */
#include "agent.h"

/* What is told of a file, in front of two texts: its name, and where a symbolic link leads to. */
struct facts {
  uint32_t mode, uid, gid, nanoseconds;
  uint64_t bytes;
  int64_t modified;
};

/* Puts what is told of a file there. Returns bytes, or an error. */
static long describe(int folder, const char *name, const char *shown, int follows, char *to) {
  struct statx state;
  long result = state_of(folder, name, follows ? 0 : AT_SYMLINK_NOFOLLOW, &state);
  if (result < 0) return result;
  const struct facts facts = {state.mode,  state.uid, state.gid, state.modified.nanoseconds, state.bytes,
                              state.modified.seconds};
  memcpy(to, &facts, sizeof facts);
  size_t at = sizeof facts, length = length_of(shown) + 1;
  memcpy(to + at, shown, length);
  at += length;
  result = 0;
  if ((state.mode & S_IFMT) == S_IFLNK)
    result = syscall4(SYS_READLINKAT, folder, (long)name, (long)(to + at), LARGEST_ENTRY - (long)at - 1);
  if (result < 0) return result;
  to[at + (size_t)result] = 0;
  return (long)at + result + 1;
}

void tell_state(uint32_t id, struct request *request) {
  static char answer[sizeof(uint32_t) + LARGEST_ENTRY] __attribute__((aligned(8)));
  uint32_t flags = take_u32(request);
  const char *path = take_text(request);
  long result = describe(AT_FDCWD, path, "", (flags & PATH_FOLLOW) != 0, answer + sizeof(uint32_t));
  if (request->is_broken) result = -EPROTO;
  if (result < 0) refuse(id, result);
  else send_frame(id, FRAME_DONE, 0, answer, sizeof(uint32_t) + (size_t)result);
}

/* Begins to pass on what a descriptor gives. */
/* Returns NULL if there is no room: the host has been told, then. */
static struct stream *begin_source(uint32_t id, int descriptor, uint64_t bytes, uint32_t window, enum kind kind) {
  struct stream *stream = new_stream(id, kind);
  if (stream == NULL) {
    close_file(&descriptor);
    refuse(id, -EMFILE);
    return NULL;
  }
  stream->descriptors[CHANNEL_OUT] = descriptor;
  stream->left = bytes;
  stream->credit[CHANNEL_OUT] = window;
  return stream;
}

void open_source(uint32_t id, struct request *request) {
  uint64_t offset = take_u64(request), bytes = take_u64(request);
  uint32_t window = take_u32(request);
  const char *path = take_text(request);
  /* A FIFO without a writer is not waited for. */
  int file = request->is_broken ? -EPROTO : (int)open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  struct statx state;
  long result = file < 0 ? file : state_of(file, "", AT_EMPTY_PATH, &state);
  if (result >= 0 && (state.mode & S_IFMT) == S_IFDIR) result = -EISDIR;
  if (result >= 0 && offset > 0) result = seek_to(file, offset);
  if (result >= 0) {
    begin_source(id, file, bytes, window, SOURCE);
    return;
  }
  close_file(&file);
  refuse(id, result);
}

void open_watch(uint32_t id, struct request *request) {
  uint32_t mask = take_u32(request), window = take_u32(request);
  const char *path = take_text(request);
  int watch = (int)syscall1(SYS_INOTIFY_INIT1, O_NONBLOCK | O_CLOEXEC);
  long result = watch;
  if (result >= 0) result = request->is_broken ? -EPROTO : syscall3(SYS_INOTIFY_ADD_WATCH, watch, (long)path, mask);
  if (result < 0) {
    close_file(&watch);
    refuse(id, result);
    return;
  }
  struct stream *stream = begin_source(id, watch, UINT64_MAX, window, SOURCE);
  if (stream == NULL) return;
  stream->mask = mask;
  send_u32(id, FRAME_STARTED, 0, (uint32_t)result);
}

void watch_more(struct stream *stream, const char *bytes, size_t count) {
  struct request request = {bytes, bytes + count, 0};
  const char *path = take_text(&request);
  const uint32_t mask = stream->mask | IN_ONLYDIR | IN_DONT_FOLLOW;
  long result =
      request.is_broken ? -EPROTO : syscall3(SYS_INOTIFY_ADD_WATCH, stream->descriptors[CHANNEL_OUT], (long)path, mask);
  send_u32(stream->id, FRAME_STARTED, 0, result < 0 ? 0 : (uint32_t)result);
}

void open_folder(uint32_t id, struct request *request) {
  uint32_t window = take_u32(request);
  const char *path = take_text(request);
  long folder = request->is_broken ? -EPROTO : open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
  if (folder < 0) refuse(id, folder);
  else begin_source(id, (int)folder, 0, window, FOLDER);
}

/* More entries of the folder, where all that were read are told. Returns whether there are any. */
static int read_entries(struct stream *stream) {
  if (stream->input_start < stream->input_end) return 1;
  long count = -EMFILE;
  if (stream->input == NULL) stream->input = map_pages(PROTOCOL_INPUT_WINDOW);
  if (stream->input != NULL)
    count = syscall3(SYS_GETDENTS64, stream->descriptors[CHANNEL_OUT], (long)stream->input, PROTOCOL_INPUT_WINDOW);
  if (count <= 0) {
    finish(stream, (uint32_t)-count);
    return 0;
  }
  stream->input_start = 0;
  stream->input_end = (size_t)count;
  return 1;
}

void list_more(struct stream *stream) {
  while (stream->credit[CHANNEL_OUT] >= LARGEST_ENTRY && line_room() >= LARGEST_ENTRY && read_entries(stream)) {
    const struct directory_entry *entry = (const void *)(stream->input + stream->input_start);
    const char *name = entry->name;
    stream->input_start += entry->bytes;
    if (equal(name, ".") || equal(name, "..")) continue;
    long bytes = describe(stream->descriptors[CHANNEL_OUT], name, name, 0, line_payload());
    /* It may be gone again. */
    if (bytes < 0) continue;
    stream->credit[CHANNEL_OUT] -= (uint64_t)bytes;
    line_send(stream->id, FRAME_DATA, CHANNEL_OUT, (size_t)bytes);
  }
}

/* A name beside the file that nobody has. */
static int make_temporary_name(struct target *target, uint32_t id) {
  memcpy(target->temporary, target->path, length_of(target->path) + 1);
  return append(target->temporary, sizeof target->temporary, ".hartvisor-") &&
         append_number(target->temporary, sizeof target->temporary, (uint32_t)syscall1(SYS_GETPID, 0)) &&
         append(target->temporary, sizeof target->temporary, "-") &&
         append_number(target->temporary, sizeof target->temporary, id);
}

/* Opens a new file that takes the place of the old one in the end, with its rights. */
static long open_beside(struct stream *stream, const char *path, long mode, const struct statx *old) {
  size_t length = length_of(path) + 1;
  if (length > sizeof stream->target->path) return -ENAMETOOLONG;
  struct target *target = map_pages(sizeof *target);
  if (target == NULL) return -EMFILE;
  stream->target = target;
  memcpy(target->path, path, length);
  if (!make_temporary_name(target, stream->id)) return -ENAMETOOLONG;
  long file = open_at(AT_FDCWD, target->temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (file >= 0 && old != NULL) {
    syscall3(SYS_FCHOWN, file, old->uid, old->gid);
    syscall2(SYS_FCHMOD, file, old->mode & 07777);
  }
  if (file < 0) {
    unmap_pages(target, sizeof *target);
    stream->target = NULL;
  }
  return file;
}

/*
 * A file system in memory takes one huge page in place of 512, if the file's length covers it: with that known ahead,
 * 100 MB are written in half of the instructions (mm/shmem.c: SHMEM_HUGE_WITHIN_SIZE).
 */
enum { HUGE_PAGE = 2 << 20 };

static long open_target(struct stream *stream, uint32_t flags, long mode, const char *path) {
  struct statx old;
  long is_there = state_of(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &old) == 0;
  int is_plain = !is_there || (old.mode & S_IFMT) == S_IFREG;
  /* Links, devices and FIFOs stay what they are. */
  if ((flags & WRITE_ATOMIC) && is_plain && !(flags & (WRITE_APPEND | WRITE_EXCLUSIVE))) {
    long file = open_beside(stream, path, mode, is_there ? &old : NULL);
    /* Folders of /proc and /sys take no new files: what is there is written where it is. */
    int takes_none = is_there && (file == -ENOENT || file == -EACCES || file == -EPERM);
    if (file != -ENAMETOOLONG && !takes_none) return file;
  }
  long how = (flags & WRITE_APPEND) ? O_APPEND : (flags & WRITE_EXCLUSIVE) ? O_EXCL : O_TRUNC;
  return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_NOCTTY | how, mode);
}

/* How many bytes come; 0 of hosts that do not say it, as of a stream. */
static uint64_t take_length(struct request *request) {
  return request->at == request->end ? 0 : take_u64(request);
}

void open_sink(uint32_t id, struct request *request) {
  uint32_t flags = take_u32(request), mode = take_u32(request);
  const char *path = take_text(request);
  uint64_t length = take_length(request);
  struct stream *stream = new_stream(id, FILE_SINK);
  long file = request->is_broken ? -EPROTO : stream == NULL ? -EMFILE : 0;
  if (file == 0) file = open_target(stream, flags, mode & 07777, path);
  if (file >= 0) {
    stream->descriptors[CHANNEL_IN] = (int)file;
    if (stream->target != NULL && length >= HUGE_PAGE && set_length(file, length) == 0) stream->left = length;
    return;
  }
  if (stream != NULL) finish(stream, (uint32_t)-file);
  else refuse(id, file);
}

long close_sink(struct stream *stream, int is_whole) {
  long result = 0;
  close_file(&stream->descriptors[CHANNEL_IN]);
  if (stream->target == NULL) return 0;
  /* The host has sent less than it has said: the end of the file has zeroes that nobody gave. */
  if (is_whole && stream->left > 0) result = -EPROTO;
  else if (is_whole)
    result = syscall5(SYS_RENAMEAT2, AT_FDCWD, (long)stream->target->temporary, AT_FDCWD, (long)stream->target->path, 0);
  if (!is_whole || result < 0) syscall3(SYS_UNLINKAT, AT_FDCWD, (long)stream->target->temporary, 0);
  return result;
}

static long unlink_at(int folder, const char *name, long flags) {
  return syscall3(SYS_UNLINKAT, folder, (long)name, flags);
}

/* Removes all that is in a folder, and what is in that; never by way of a symbolic link. */
static long remove_below(int folder, int depth) {
  static char buffers[64][2048] __attribute__((aligned(8)));
  if (depth >= 64) return -ELOOP;
  char *buffer = buffers[depth];
  for (;;) {
    long bytes = syscall3(SYS_GETDENTS64, folder, (long)buffer, sizeof buffers[0]);
    if (bytes <= 0) return bytes;
    for (long at = 0; at < bytes;) {
      const struct directory_entry *entry = (const void *)(buffer + at);
      at += entry->bytes;
      if (equal(entry->name, ".") || equal(entry->name, "..")) continue;
      long result = unlink_at(folder, entry->name, 0);
      if (result == -EISDIR || result == -EPERM) {
        int inner = (int)open_at(folder, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        result = inner < 0 ? inner : remove_below(inner, depth + 1);
        close_file(&inner);
        if (result == 0) result = unlink_at(folder, entry->name, AT_REMOVEDIR);
      }
      if (result < 0 && result != -ENOENT) return result;
    }
  }
}

static long remove_all(const char *path) {
  int folder = (int)open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  if (folder < 0) return folder;
  /* Some file systems leave entries out when others were removed meanwhile: looks until it is empty. */
  long result;
  for (int turn = 0; turn < 16; turn++) {
    result = remove_below(folder, 0);
    if (result == 0) result = unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
    if (result != -ENOTEMPTY) break;
    seek_to(folder, 0);
  }
  close_file(&folder);
  return result;
}

/* A process of its own removes trees: they may take long. */
static long start_removal(uint32_t id, const char *path) {
  struct stream *stream = new_stream(id, TASK);
  if (stream == NULL) return -EMFILE;
  long process = syscall5(SYS_CLONE, SIGCHLD, 0, 0, 0, 0);
  if (process == 0) leave((int)-remove_all(path));
  if (process < 0) {
    finish(stream, (uint32_t)-process);
    return 0;
  }
  stream->process = (int32_t)process;
  return 0;
}

void remove_path(uint32_t id, struct request *request) {
  uint32_t flags = take_u32(request);
  const char *path = take_text(request);
  struct statx state;
  long result = request->is_broken ? -EPROTO : state_of(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &state);
  int is_folder = result == 0 && (state.mode & S_IFMT) == S_IFDIR;
  if (is_folder && (flags & PATH_RECURSIVE)) {
    result = start_removal(id, path);
    if (result == 0) return;
  } else if (result == 0) result = unlink_at(AT_FDCWD, path, is_folder ? AT_REMOVEDIR : 0);
  if (result == -ENOENT && (flags & PATH_FORCE)) result = 0;
  refuse(id, result);
}

void make_folder(uint32_t id, struct request *request) {
  static char path[4096];
  uint32_t flags = take_u32(request), mode = take_u32(request);
  const char *given = take_text(request);
  size_t length = length_of(given) + 1;
  long result = request->is_broken ? -EPROTO : length > sizeof path ? -ENAMETOOLONG : 0;
  if (result == 0) memcpy(path, given, length);
  for (char *at = path + 1; result == 0 && (flags & PATH_RECURSIVE) && *path != 0 && *at != 0; at++) {
    if (*at != '/' || at[1] == 0) continue;
    *at = 0;
    result = syscall3(SYS_MKDIRAT, AT_FDCWD, (long)path, 0777);
    *at = '/';
    if (result == -EEXIST) result = 0;
  }
  if (result == 0) result = syscall3(SYS_MKDIRAT, AT_FDCWD, (long)path, mode);
  struct statx state;
  if (result == -EEXIST && (flags & PATH_RECURSIVE) && state_of(AT_FDCWD, path, 0, &state) == 0 &&
      (state.mode & S_IFMT) == S_IFDIR)
    result = 0;
  refuse(id, result);
}

void rename_path(uint32_t id, struct request *request) {
  const char *from = take_text(request), *to = take_text(request);
  refuse(id, request->is_broken ? -EPROTO : syscall5(SYS_RENAMEAT2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0));
}

void link_path(uint32_t id, struct request *request) {
  const char *target = take_text(request), *path = take_text(request);
  refuse(id, request->is_broken ? -EPROTO : syscall3(SYS_SYMLINKAT, (long)target, AT_FDCWD, (long)path));
}

void change_mode(uint32_t id, struct request *request) {
  uint32_t mode = take_u32(request);
  const char *path = take_text(request);
  refuse(id, request->is_broken ? -EPROTO : syscall3(SYS_FCHMODAT, AT_FDCWD, (long)path, mode & 07777));
}

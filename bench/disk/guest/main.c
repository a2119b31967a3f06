/* The first and only program of a guest with a disk: loads its driver, measures it, reports and powers off.
 *
 *   /init MILLISECONDS [NAME,...]     what the kernel passes on from behind -- on its command line
 */
#include "../../linux/guest/benchmark.h"
#include "../../linux/guest/linux.h"
#include "../../linux/guest/measure.h"
#include "../../linux/guest/report.h"

enum {
  SYS_IO_SETUP = 0,
  SYS_IO_SUBMIT = 2,
  SYS_IO_GETEVENTS = 4,
  SYS_MOUNT = 40,
  SYS_OPENAT = 56,
  SYS_LSEEK = 62,
  SYS_PREAD64 = 67,
  SYS_PWRITE64 = 68,
  SYS_FSYNC = 82,
  SYS_FINIT_MODULE = 273,
};

#define AT_FDCWD -100
#define O_RDWR 2
#define O_DIRECT 0x4000
#define SEEK_END 2

#define BLOCK 4096
#define PIECE (1 << 20)
#define DEPTH 32

static int disk;
static uint64_t blocks;
static uint8_t *buffer;

static long open_file(const char *path, int flags) {
  return syscall4(SYS_OPENAT, AT_FDCWD, (long)path, flags, 0);
}

static void load_driver(void) {
  checked(syscall6(SYS_MOUNT, (long)"dev", (long)"/dev", (long)"devtmpfs", 0, 0, 0), "mount");
  long module = checked(open_file("/lib/modules/virtio_blk.ko", 0), "open of the driver");
  checked(syscall3(SYS_FINIT_MODULE, module, (long)"", 0), "finit_module");
  for (int tries = 0; (disk = (int)open_file("/dev/vda", O_RDWR | O_DIRECT)) < 0; tries++) {
    if (tries == 100) fail("there is no disk after tries", tries);
    sleep_for(100000000);
  }
  blocks = (uint64_t)checked(syscall3(SYS_LSEEK, disk, 0, SEEK_END), "lseek") / BLOCK;
}

static uint64_t seed = 88172645463325252ull;

/* Bytes from the disk's start to a block of it. */
static int64_t any_block(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (int64_t)(seed % blocks * BLOCK);
}

static void transfer(int write, int64_t at, long bytes) {
  long number = write ? SYS_PWRITE64 : SYS_PREAD64;
  long done = checked(syscall4(number, disk, (long)buffer, bytes, at), write ? "write" : "read");
  if (done != bytes) fail("bytes of a transfer", done);
}

static uint64_t in_order(int write, uint64_t pieces) {
  uint64_t all = blocks * BLOCK / PIECE;
  for (uint64_t piece = 0; piece < pieces; piece++) transfer(write, (int64_t)(piece % all * PIECE), PIECE);
  return pieces;
}

static uint64_t read_in_order(uint64_t pieces) { return in_order(0, pieces); }
static uint64_t write_in_order(uint64_t pieces) { return in_order(1, pieces); }

static uint64_t anywhere(int write, uint64_t count) {
  for (uint64_t turn = 0; turn < count; turn++) transfer(write, any_block(), BLOCK);
  return count;
}

static uint64_t read_anywhere(uint64_t count) { return anywhere(0, count); }
static uint64_t write_anywhere(uint64_t count) { return anywhere(1, count); }

static uint64_t write_and_flush(uint64_t count) {
  for (uint64_t turn = 0; turn < count; turn++) {
    transfer(1, any_block(), BLOCK);
    checked(syscall3(SYS_FSYNC, disk, 0, 0), "fsync");
  }
  return count;
}

/* include/uapi/linux/aio_abi.h, little-endian */
struct iocb {
  uint64_t data;
  uint32_t key, rw_flags;
  uint16_t opcode;
  int16_t priority;
  uint32_t file;
  uint64_t buffer, bytes;
  int64_t offset;
  uint64_t reserved;
  uint32_t flags, event_file;
};
struct io_event {
  uint64_t data, object;
  int64_t result, result2;
};

static long context;
static struct iocb requests[DEPTH];

static void prepare(int write, unsigned slot) {
  requests[slot] = (struct iocb){
      .data = slot,
      .opcode = (uint16_t)write,
      .file = (uint32_t)disk,
      .buffer = (uint64_t)(buffer + slot * BLOCK),
      .bytes = BLOCK,
      .offset = any_block(),
  };
}

static void submit(struct iocb **list, long count) {
  for (long done = 0; done < count;)
    done += checked(syscall3(SYS_IO_SUBMIT, context, count - done, (long)(list + done)), "io_submit");
}

/* DEPTH requests at any time, but at the end. */
static uint64_t many(int write, uint64_t count) {
  static struct io_event events[DEPTH];
  struct iocb *list[DEPTH];
  uint64_t total = count < DEPTH ? DEPTH : count;
  uint64_t made = 0;
  for (; made < DEPTH; made++) {
    prepare(write, (unsigned)made);
    list[made] = &requests[made];
  }
  submit(list, DEPTH);
  for (uint64_t done = 0; done < total;) {
    long ready = checked(syscall6(SYS_IO_GETEVENTS, context, 1, DEPTH, (long)events, 0, 0), "io_getevents");
    long again = 0;
    for (long i = 0; i < ready; i++) {
      if (events[i].result != BLOCK) fail("result of a request", (long)events[i].result);
      if (made == total) continue;
      made++;
      prepare(write, (unsigned)events[i].data);
      list[again++] = &requests[events[i].data];
    }
    done += (uint64_t)ready;
    if (again > 0) submit(list, again);
  }
  return total;
}

static uint64_t read_many(uint64_t count) { return many(0, count); }
static uint64_t write_many(uint64_t count) { return many(1, count); }

static const struct benchmark benchmarks[] = {
    {.name = "read-1m", .vcpus = 1, .run = read_in_order},
    {.name = "write-1m", .vcpus = 1, .run = write_in_order},
    {.name = "read-4k", .vcpus = 1, .run = read_anywhere},
    {.name = "write-4k", .vcpus = 1, .run = write_anywhere},
    {.name = "read-4k-32", .vcpus = 1, .run = read_many},
    {.name = "write-4k-32", .vcpus = 1, .run = write_many},
    {.name = "flush", .vcpus = 1, .run = write_and_flush},
};

void start_program(long *stack) {
  long count = stack[0];
  const char **arguments = (const char **)(stack + 1);
  if (count < 2) fail("no time given, arguments", count);
  int64_t target = read_number(arguments[1]) * 1000000;
  const char *names = count > 2 ? arguments[2] : 0;
  if (target <= 0) fail("the time is no number of milliseconds", 0);
  load_driver();
  buffer = map_memory(PIECE);
  for (unsigned at = 0; at < PIECE; at++) buffer[at] = (uint8_t)(at ^ at >> 8);
  checked(syscall3(SYS_IO_SETUP, DEPTH, (long)&context, 0), "io_setup");
  wait_for_kernel(1);
  report_start();
  for (unsigned i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
    if (wanted(benchmarks[i].name, names)) measure(&benchmarks[i], target);
  }
  finish();
}

/** The protocol between Linux and a file system outside of its kernel (include/uapi/linux/fuse.h). */
export const FUSE = {
  major: 7,
  /** The version that this server was written by. */
  minor: 38,
  /** The number of the folder itself. */
  root: 1,
} as const;

export const OPCODE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  IOCTL: 39,
  BATCH_FORGET: 42,
  READDIRPLUS: 44,
  RENAME2: 45,
  COPY_FILE_RANGE: 47,
} as const;

/** The header of a request. Places of fields, in bytes; so with all that follow. */
export const IN_HEADER = { LEN: 0, OPCODE: 4, UNIQUE: 8, NODE: 16, UID: 24, GID: 28, BYTES: 40 } as const;

/** The header of an answer. */
export const OUT_HEADER = { LEN: 0, ERROR: 4, UNIQUE: 8, BYTES: 16 } as const;

export const INIT_IN = { MAJOR: 0, MINOR: 4, MAX_READAHEAD: 8, FLAGS: 12, BYTES: 16 } as const;

export const INIT_OUT = {
  MAJOR: 0,
  MINOR: 4,
  MAX_READAHEAD: 8,
  FLAGS: 12,
  MAX_BACKGROUND: 16,
  CONGESTION: 18,
  MAX_WRITE: 20,
  TIME_GRAN: 24,
  MAX_PAGES: 28,
  BYTES: 64,
} as const;

/** Abilities that both sides have. */
export const INIT_FLAG = {
  ASYNC_READ: 1 << 0,
  BIG_WRITES: 1 << 5,
  ATOMIC_O_TRUNC: 1 << 3,
  AUTO_INVAL_DATA: 1 << 12,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  ASYNC_DIO: 1 << 15,
  PARALLEL_DIROPS: 1 << 18,
  MAX_PAGES: 1 << 22,
} as const;

export const ATTR = {
  INO: 0,
  SIZE: 8,
  BLOCKS: 16,
  ATIME: 24,
  MTIME: 32,
  CTIME: 40,
  ATIME_NSEC: 48,
  MTIME_NSEC: 52,
  CTIME_NSEC: 56,
  MODE: 60,
  NLINK: 64,
  UID: 68,
  GID: 72,
  RDEV: 76,
  BLKSIZE: 80,
  BYTES: 88,
} as const;

export const ENTRY_OUT = {
  NODE: 0,
  GENERATION: 8,
  ENTRY_VALID: 16,
  ATTR_VALID: 24,
  ATTR: 40,
  BYTES: 128,
} as const;
export const ATTR_OUT = { VALID: 0, ATTR: 16, BYTES: 104 } as const;

export const GETATTR_IN = { FLAGS: 0, FILE: 8, BYTES: 16, HAS_FILE: 1 } as const;

export const SETATTR_IN = {
  VALID: 0,
  FILE: 8,
  SIZE: 16,
  ATIME: 32,
  MTIME: 40,
  ATIME_NSEC: 56,
  MTIME_NSEC: 60,
  MODE: 68,
  UID: 76,
  GID: 80,
  BYTES: 88,
} as const;

/** Which fields of a SETATTR count. */
export const SET = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FILE: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
} as const;

export const FORGET_IN = { LOOKUPS: 0, BYTES: 8 } as const;
export const BATCH_FORGET_IN = { COUNT: 0, BYTES: 8, ONE_NODE: 0, ONE_LOOKUPS: 8, ONE_BYTES: 16 } as const;

export const MKNOD_IN = { MODE: 0, BYTES: 16 } as const;
export const MKDIR_IN = { MODE: 0, BYTES: 8 } as const;
export const LINK_IN = { NODE: 0, BYTES: 8 } as const;
export const RENAME_IN = { DIRECTORY: 0, BYTES: 8 } as const;
export const RENAME2_IN = { DIRECTORY: 0, FLAGS: 8, BYTES: 16, NOREPLACE: 1 } as const;

export const OPEN_IN = { FLAGS: 0, BYTES: 8 } as const;
export const CREATE_IN = { FLAGS: 0, MODE: 4, BYTES: 16 } as const;
export const OPEN_OUT = { FILE: 0, FLAGS: 8, BYTES: 16, KEEP_CACHE: 1 << 1 } as const;
export const FILE_IN = { FILE: 0, FLAGS: 8, DATA_ONLY: 1, BYTES: 16 } as const;
export const RELEASE_IN = { FILE: 0, BYTES: 24 } as const;

export const READ_IN = { FILE: 0, OFFSET: 8, SIZE: 16, BYTES: 40 } as const;
export const WRITE_IN = {
  FILE: 0,
  OFFSET: 8,
  SIZE: 16,
  WRITE_FLAGS: 20,
  FLAGS: 32,
  BYTES: 40,
  CACHED: 1,
} as const;
export const WRITE_OUT = { SIZE: 0, BYTES: 8 } as const;

export const COPY_IN = {
  FILE: 0,
  OFFSET: 8,
  TO_NODE: 16,
  TO_FILE: 24,
  TO_OFFSET: 32,
  LENGTH: 40,
  FLAGS: 48,
  BYTES: 56,
} as const;

export const STATFS_OUT = {
  BLOCKS: 0,
  BFREE: 8,
  BAVAIL: 16,
  FILES: 24,
  FFREE: 32,
  BSIZE: 40,
  NAMELEN: 44,
  FRSIZE: 48,
  BYTES: 80,
} as const;

export const DIRENT = { INO: 0, NEXT: 8, NAME_BYTES: 16, TYPE: 20, NAME: 24, ALIGNMENT: 8 } as const;

/** Kinds of files in a mode, and its other bits. */
export const MODE = {
  KIND: 0o170000,
  FIFO: 0o010000,
  DIRECTORY: 0o040000,
  REGULAR: 0o100000,
  LINK: 0o120000,
  SOCKET: 0o140000,
  PERMISSIONS: 0o7777,
  SETGID: 0o2000,
} as const;

/** Flags of open, those of Linux on RISC-V (include/uapi/asm-generic/fcntl.h). */
export const OPEN = {
  ACCESS: 3,
  READ: 0,
  WRITE: 1,
  BOTH: 2,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
} as const;

/** Bytes of a name, without a zero behind it. */
export const LONGEST_NAME = 255;
/** Bytes of a symbolic link's target. */
export const LONGEST_TARGET = 4095;

/**
 * The protocol between the host and the agent in the guest: all numbers of it. `guests/agent/protocol.h` is generated
 * from here (`guests/agent/build.ts`), and docs/agent.md describes it.
 *
 * A frame is a header of 16 bytes and a payload: its length (u32), the number of its stream (u32), its type (u8), the
 * channel (u8), and six bytes of zero. Behind the payload are as many more bytes as make its length a multiple of 8: so
 * all frames of a buffer are aligned, and the guest's kernel copies payloads word by word. All numbers are
 * little-endian, texts are UTF-8 and end with a zero byte.
 */

/** The name of the port that the agent looks for. */
export const AGENT_PORT = 'org.hartvisor.agent';

export const PROTOCOL = {
  /** Both ends say theirs. */
  VERSION: 3,
  /** Agents from this version on are served: those of 2 send smaller frames of `DATA`. Others are refused. */
  OLDEST_AGENT: 2,
  HEADER_BYTES: 16,
  /** Frames have a length that is a multiple of this. */
  ALIGNMENT: 8,
  /** The first bytes of the payload of `HELLO`, by which the beginning of a connection is found. */
  MAGIC_LOW: 0x7672_6168,
  MAGIC_HIGH: 0x7467_4174,
  /** Bytes of a payload to the agent at most. */
  LARGEST_TO_AGENT: 128 << 10,
  /** The same of `DATA`: with its header it fills pages of the guest. */
  LARGEST_DATA: (64 << 10) - 16,
  /** Bytes of a payload to the host at most, other than of `DATA`. */
  LARGEST_TO_HOST: 64 << 10,
  /** The same of `DATA`: as much as goes from pipe to port at a time, whole pages. */
  LARGEST_DATA_TO_HOST: 512 << 10,
  /** Streams at once at most. */
  MOST_STREAMS: 1024,
  /** Bytes that a program's input takes ahead of the program's reads. */
  INPUT_WINDOW: 64 << 10,
  /** The same of a file that is written: nothing is kept of it. */
  WRITE_WINDOW: 1 << 20,
} as const;

/** Types of frames. Those to the agent that open a stream come first. */
export const FRAME = {
  HELLO: 1,
  RUN: 2,
  CONNECT: 3,
  READ: 4,
  WRITE: 5,
  LIST: 6,
  STAT: 7,
  REMOVE: 8,
  MKDIR: 9,
  RENAME: 10,
  SYMLINK: 11,
  CHMOD: 12,
  WATCH: 13,
  SET_TIME: 14,
  ENTROPY: 15,
  HOSTNAME: 16,
  /** Both ways: bytes of a channel. */
  DATA: 32,
  /** Both ways: a channel has no more bytes. */
  END: 33,
  /** Both ways: so many bytes more (u32) may be sent on a channel. */
  CREDIT: 34,
  /** To the agent. */
  SIGNAL: 35,
  RESIZE: 36,
  CANCEL: 37,
  /**
   * To the agent: nobody reads a program's output of that channel any more, which is closed as any pipe is then. Agents
   * that do not know it pass it over.
   */
  DROP: 38,
  /**
   * To the host: a program runs, its process (u32). Of a watch: its number (u32), and the same for each other folder
   * whose path comes as `DATA`, 0 if it cannot be watched.
   */
  STARTED: 48,
  /**
   * To the host: the program has ended, its status (u32) and the signal that ended it (u32), one of them 0; then how
   * many bytes of its outputs and its error output (u32 each) come yet that it has written, 2^32 - 1 for all up to
   * their end.
   */
  EXITED: 49,
  /** To the host: the last one of a stream, an error number of Linux or 0 (u32), and the result of the request. */
  DONE: 50,
} as const;

/** Channels of a stream. */
export const CHANNEL = {
  /** To the guest: a program's input, the contents of a file. */
  IN: 0,
  /** To the host: a program's output, the contents of a file, entries of a folder. */
  OUT: 1,
  /** To the host: a program's error output. */
  ERR: 2,
} as const;

/** The stage that failed, behind the error of a program that was not started. */
export const STAGE = { PROGRAM: 0, FOLDER: 1, USER: 2 } as const;

/** Flags of `RUN`. */
export const RUN_FLAG = { TERMINAL: 1 } as const;

/** Flags of `WRITE`. */
export const WRITE_FLAG = {
  /** To a new file that takes the place of the old one at the end. */
  ATOMIC: 1,
  APPEND: 2,
  /** Only where there is none of that name. */
  EXCLUSIVE: 4,
} as const;

/** Flags of `STAT`, `REMOVE` and `MKDIR`. */
export const PATH_FLAG = {
  /** `STAT`: of the file that a symbolic link leads to. */
  FOLLOW: 1,
  /** `REMOVE`: with all that is in it. `MKDIR`: with the folders above it. */
  RECURSIVE: 2,
  /** `REMOVE`: it is no error if it is not there. */
  FORCE: 4,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

import { i32, struct } from '../../layout/struct.ts';

/**
 * The file of a snapshot: a head, then sections until one that says that it is the last. Numbers are little-endian.
 *
 * The head has the facts of the machine as JSON, not packed, so that every version can tell about the file. Each
 * section has a sum over all of it as it is in the file; the sum of the head is part of that of each section, so that
 * sections of two files do not make a third one.
 */
export const SNAPSHOT_MAGIC = 'HARTSNAP';

/** Counts up with every change after which older files are not understood any more, or newer ones by older versions. */
export const SNAPSHOT_VERSION = 2;

/** The head of the file, before the JSON. */
export const HEAD = struct({
  magicLow: i32,
  magicHigh: i32,
  version: i32,
  /** Bytes of the JSON. */
  factsBytes: i32,
  /** CRC-32 of the fields above and of the JSON. */
  sum: i32,
});

/** The head of a section, before its bytes. */
export const SECTION = struct({
  /** One of {@link TAG}. */
  tag: i32,
  /** Which of its kind, from 0 on; of the last section: how many came before it. */
  number: i32,
  /** Bytes before they were packed, and in the file: equal where they were not. */
  plain: i32,
  stored: i32,
  /** CRC-32 of the head's sum, the fields above, and the bytes. */
  sum: i32,
});

/** Kinds of sections, in the order in which they come. */
export const TAG = {
  /** The device tree. */
  tree: 1,
  /** A part of the state, as `stateParts` lists them. */
  state: 2,
  /** The registers of a bare hart. */
  registers: 3,
  /** State of a device on an I/O thread: its number and that of its part, then the bytes. */
  kept: 4,
  /** Pages of RAM: how many runs, first page and number of pages of each, then the pages. */
  ram: 5,
  /** Where compiled code begins, as `hotCodeOf` gives it. */
  hot: 6,
  end: 7,
} as const;

export type Tag = (typeof TAG)[keyof typeof TAG];

/** Bytes of the facts, and of a section before it is packed, at most. */
export const MOST_FACTS_BYTES = 1 << 20;
export const MOST_SECTION_BYTES = 64 << 20;

/** Pages of RAM in one section: enough to be packed well, and few enough that several threads share the work. */
export const SECTION_PAGES = 256;

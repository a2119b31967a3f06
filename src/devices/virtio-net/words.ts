import { i32, struct } from '../../layout/struct.ts';

/** Frames since the machine began, modulo 2^32. */
export const NET = struct({
  /** Those that the guest has sent, and those that it has got. */
  SENT: i32,
  RECEIVED: i32,
  /** Dropped ones, by why: see `DropCounts`. */
  MALFORMED: i32,
  REFUSED: i32,
  OVERFLOW: i32,
});

export const WORD = NET.word;
export const NET_WORDS = NET.words;

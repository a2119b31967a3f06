import { GUARD } from '../../sync/guarded-words.ts';

/** The shared words of the clock; 64-bit values take two, the low half first. */
export const WORD = {
  /** The guest's time minus the host's, in nanoseconds modulo 2^64. */
  OFFSET: GUARD.words,
  ALARM: GUARD.words + 2,
  /** The high half of the time when TIME_LOW was last read. */
  LATCH: GUARD.words + 4,
  ARMED: GUARD.words + 5,
  ENABLED: GUARD.words + 6,
  PENDING: GUARD.words + 7,
} as const;

export const WORDS = GUARD.words + 8;

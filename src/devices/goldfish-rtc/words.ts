import { GUARD } from '../guarded-words.ts';

/** The shared words of the clock; 64-bit values take two, the low half first. */
export const WORD = {
  /** The guest's time minus the host's, in nanoseconds modulo 2^64. */
  OFFSET: GUARD.WORDS,
  ALARM: GUARD.WORDS + 2,
  /** The high half of the time when TIME_LOW was last read. */
  LATCH: GUARD.WORDS + 4,
  ARMED: GUARD.WORDS + 5,
  ENABLED: GUARD.WORDS + 6,
  PENDING: GUARD.WORDS + 7,
} as const;

export const WORDS = GUARD.WORDS + 8;

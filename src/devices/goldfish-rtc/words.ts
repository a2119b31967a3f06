import { halves, i32, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';

/** All shared words. */
export const RTC = struct({
  guard: GUARD,
  /** The guest's time minus the host's, in nanoseconds modulo 2^64. */
  OFFSET: halves,
  ALARM: halves,
  /** The high half of the time when TIME_LOW was last read. */
  LATCH: i32,
  ARMED: i32,
  ENABLED: i32,
  PENDING: i32,
});

/** The shared words of the clock. */
export const WORD = RTC.word;

export const WORDS = RTC.words;

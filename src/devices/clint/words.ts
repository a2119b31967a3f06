import { GUARD } from '../../sync/guarded-words.ts';

/** The shared words; those of the harts follow, `HART.WORDS` each. */
export const WORD = {
  /** mtime minus the clock's ticks, modulo 2^64: set by writes of mtime. */
  OFFSET_LO: GUARD.words,
  OFFSET_HI: GUARD.words + 1,
  HARTS: GUARD.words + 2,
} as const;

/** Words of one hart, from its first. */
export const HART = {
  MSIP: 0,
  /** mtimecmp with all bits inverted, so that zero words are a timer that never fires. */
  NEVER_LO: 1,
  NEVER_HI: 2,
  WORDS: 3,
} as const;

/** @returns the shared words for so many harts. */
export function clintWords(harts: number): number {
  return WORD.HARTS + harts * HART.WORDS;
}

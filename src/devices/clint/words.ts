import { i32, many, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';

const ONE_HART = struct({
  MSIP: i32,
  /** mtimecmp with all bits inverted, so that zero words are a timer that never fires. */
  NEVER_LO: i32,
  NEVER_HI: i32,
});

/** All shared words. */
export const CLINT_WORDS = struct({
  guard: GUARD,
  /** mtime minus the clock's ticks, modulo 2^64: set by writes of mtime. */
  OFFSET_LO: i32,
  OFFSET_HI: i32,
  HARTS: many(ONE_HART),
});

/** The shared words; those of the harts follow, `HART.WORDS` each. */
export const WORD = CLINT_WORDS.word;

/** Words of one hart, from its first. */
export const HART = { ...ONE_HART.word, WORDS: ONE_HART.words } as const;

/** @returns the shared words for so many harts. */
export function clintWords(harts: number): number {
  return CLINT_WORDS.wordsFor(harts);
}

import { GUARD } from '../../sync/guarded-words.ts';
import { PLIC } from './facts.ts';

/** Words that hold one bit a source, source 0 included. */
export const BITMAP_WORDS = Math.ceil((PLIC.sources + 1) / 32);

const PRIORITY = GUARD.words + 3 * BITMAP_WORDS;

/** The shared words of the controller; those of the contexts follow, `CONTEXT.WORDS` each. */
export const WORD = {
  /** Bitmap: what each source drives. It is the sources' state, and outlives a reset of the controller. */
  LINE: GUARD.words,
  /** Bitmap: requests that the gateways have forwarded and nobody has claimed. */
  PENDING: GUARD.words + BITMAP_WORDS,
  /** Bitmap: requests claimed and not completed; their gateways are shut. */
  CLAIMED: GUARD.words + 2 * BITMAP_WORDS,
  /** One word a source. */
  PRIORITY,
  CONTEXTS: PRIORITY + PLIC.sources + 1,
} as const;

/** Words of one context, from its first. */
export const CONTEXT = { ENABLE: 0, THRESHOLD: BITMAP_WORDS, WORDS: BITMAP_WORDS + 1 } as const;

/** @returns the shared words that a controller with so many contexts needs. */
export function plicWords(contexts: number): number {
  return WORD.CONTEXTS + contexts * CONTEXT.WORDS;
}

import { array, i32, many, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';
import { PLIC } from './facts.ts';

/** Words that hold one bit a source, source 0 included. */
export const BITMAP_WORDS = Math.ceil((PLIC.sources + 1) / 32);

const BITMAP = array(i32, BITMAP_WORDS);

const ONE_CONTEXT = struct({ ENABLE: BITMAP, THRESHOLD: i32 });

/** All of them. */
export const CONTROLLER = struct({
  guard: GUARD,
  /** The level that each source drives. It is the sources' state, and outlives a reset of the controller. */
  LINE: BITMAP,
  /** Requests that the gateways have forwarded and nobody has claimed. */
  PENDING: BITMAP,
  /** Requests claimed and not completed; their gateways are shut. */
  CLAIMED: BITMAP,
  /** One word a source. */
  PRIORITY: array(i32, PLIC.sources + 1),
  CONTEXTS: many(ONE_CONTEXT),
});

/** The shared words of the controller; those of the contexts follow, `CONTEXT.WORDS` each. */
export const WORD = CONTROLLER.word;

/** Words of one context, from its first. */
export const CONTEXT = { ...ONE_CONTEXT.word, WORDS: ONE_CONTEXT.words } as const;

/** @returns the shared words that a controller with so many contexts needs. */
export function plicWords(contexts: number): number {
  return CONTROLLER.wordsFor(contexts);
}

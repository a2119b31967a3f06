import { array, i32, many, struct } from '../../layout/struct.ts';
import { GUARD } from '../../sync/guarded-words.ts';
import { APLIC } from './facts.ts';

/** Words that hold one bit a source, source 0 included. */
export const BITMAP_WORDS = Math.ceil((APLIC.sources + 1) / 32);
/** A root, and a domain below it. */
const MOST_DOMAINS = 2;

const BITMAP = array(i32, BITMAP_WORDS);
const EACH_SOURCE = array(i32, APLIC.sources + 1);
const EACH_DOMAIN = array(i32, MOST_DOMAINS);

const ONE_HART = struct({ DELIVERY: i32, FORCE: i32, THRESHOLD: i32 });

/** All of them. */
export const CONTROLLER = struct({
  guard: GUARD,
  /** The level of each wire. It is the sources' state, and outlives a reset of the controller. */
  LINE: BITMAP,
  /** Sources that the root has delegated. */
  DELEGATED: BITMAP,
  PENDING: BITMAP,
  ENABLED: BITMAP,
  /** Mode of each source in the domain that has it. */
  MODE: EACH_SOURCE,
  /** `target` of each source in that domain. */
  TARGET: EACH_SOURCE,
  /** `domaincfg.IE`. */
  DELIVERS: EACH_DOMAIN,
  /** `genmsi` as it was written. */
  GENMSI: EACH_DOMAIN,
  /** Where messages go to, as the root's registers have it. */
  ADDRESSES: array(i32, 4),
  /** All harts of the root, then those of the domain below it. */
  HARTS: many(ONE_HART),
});

/** The shared words of the controller; those of the harts follow, `HART.WORDS` each. */
export const WORD = CONTROLLER.word;

/** Words of one hart in one domain, from its first. */
export const HART = { ...ONE_HART.word, WORDS: ONE_HART.words } as const;

/** @returns the shared words that a controller with so many domains and harts needs. */
export function aplicWords(domains: number, harts: number): number {
  return CONTROLLER.wordsFor(domains * harts);
}

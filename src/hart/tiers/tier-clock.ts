import type { RegionCounters } from '../region-statistics.ts';

/** One interval between samples of so many is timed: reading the clock takes longer than a sample. */
const ONE_OF = 64;
/**
 * Instructions of compiled code in an interval that is counted as compiled: the interpreter runs 1024 between samples.
 */
const MOST_OF_A_CHUNK = 512;
/** Milliseconds: a longer interval was spent outside of the guest, or asleep. */
const TOO_LONG = 0.2;

/**
 * Estimates how long a hart runs compiled code, and how long it interprets, from a few intervals between its samples.
 */
export class TierClock {
  readonly #counters: Pick<RegionCounters, 'add' | 'retired'>;
  readonly #now: () => number;
  #samples = 0;
  #start = 0;
  #retired = 0;

  /** @param now milliseconds */
  constructor(counters: Pick<RegionCounters, 'add' | 'retired'>, now = (): number => performance.now()) {
    this.#counters = counters;
    this.#now = now;
  }

  /** Another sample is taken. */
  sample(): void {
    const phase = this.#samples++ % ONE_OF;
    if (phase === 0) {
      this.#retired = this.#counters.retired;
      this.#start = this.#now();
    } else if (phase === 1) {
      const time = this.#now() - this.#start;
      if (time > TOO_LONG) return;
      const isCompiled = this.#counters.retired - this.#retired >= MOST_OF_A_CHUNK;
      this.#counters.add(isCompiled ? 'running' : 'interpreting', time * ONE_OF);
    }
  }
}

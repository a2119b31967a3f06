/**
 * A region is worth more room after so many samples behind it, where it was left because it is full, for each of the
 * threshold: some 32 million instructions that ran around this one region. The engine takes 50 ms for the larger one.
 */
const WORTH_MORE = 64;

interface Full {
  /** The slots where it is left because it is full. */
  readonly exits: ReadonlySet<number>;
  /** Samples that found the hart at one of these. */
  samples: number;
}

/**
 * The regions that would have more code if there were room for it, by their numbers, and how often that is missed.
 * Room is for the few places where a program stays: much code is compiled once and hardly run.
 */
export class FullRegions {
  readonly #regions = new Map<number, Full>();
  readonly #worth: number;

  /** @param threshold samples after which code is compiled at all */
  constructor(threshold: number) {
    this.#worth = WORTH_MORE * threshold;
  }

  /** @param exits the slots where the region is left because it is full */
  add(number: number, exits: ReadonlySet<number>): void {
    if (exits.size > 0) this.#regions.set(number, { exits, samples: 0 });
  }

  remove(number: number): void {
    this.#regions.delete(number);
  }

  /** A sample has found the hart at a slot, behind a region. @returns whether this region is worth more room now */
  meet(number: number, slot: number): boolean {
    const full = this.#regions.get(number);
    if (full === undefined || !full.exits.has(slot)) return false;
    full.samples++;
    if (full.samples < this.#worth) return false;
    // With more room it may do the work of the others.
    for (const other of this.#regions.values()) other.samples = 0;
    return true;
  }

  /** Half of the counts is forgotten. */
  cool(): void {
    for (const full of this.#regions.values()) full.samples >>= 1;
  }
}

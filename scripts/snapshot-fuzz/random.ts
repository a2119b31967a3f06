/** Numbers that are the same for the same seed. */
export class Random {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * end);
  }

  oneOf<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)];
  }
}

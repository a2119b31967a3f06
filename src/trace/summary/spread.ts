/** Steps of the buckets: each is a sixteenth of a doubling wide, so that a figure is right within 5 %. */
const STEPS = 16;

/** How durations are spread, in little memory however many there are. */
export class Spread {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #longest = 0;

  /** @param duration in any unit, from 0 on */
  add(duration: number): void {
    const bucket = Math.floor(STEPS * Math.log2(Math.max(duration, 1)));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
    this.#longest = Math.max(this.#longest, duration);
  }

  get count(): number {
    return this.#count;
  }

  get longest(): number {
    return this.#longest;
  }

  /** The duration that such a share of all, 0 to 1, does not exceed: within 5 %, and never above the longest. */
  quantile(share: number): number {
    let left = Math.max(1, Math.ceil(share * this.#count));
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.min(2 ** ((bucket + 0.5) / STEPS), this.#longest);
    }
    return this.#longest;
  }
}

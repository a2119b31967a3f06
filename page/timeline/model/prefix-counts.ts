/** Events between two counters. */
const BLOCK = 32;

/**
 * How many events of each group lie between two places of a ring, exactly and fast: counters at every 32nd event, and a
 * look at the events beside. So a picture of a million events costs as much as its width.
 */
export class PrefixCounts {
  readonly #groups: Uint8Array;
  readonly #count: number;
  readonly #mask: number;
  readonly #blocks: Uint32Array;
  readonly #running: Uint32Array;

  /**
   * @param groups of the events, by their number in the ring; a power of two of them, at least 32
   * @param count how many groups there are
   */
  constructor(groups: Uint8Array, count: number) {
    this.#groups = groups;
    this.#count = count;
    this.#mask = groups.length - 1;
    this.#blocks = new Uint32Array((groups.length / BLOCK) * count);
    this.#running = new Uint32Array(count);
  }

  /** The event behind all others was put at this place of the ring. @param number of the event since the first one */
  add(number: number): void {
    if (number % BLOCK === 0) this.#blocks.set(this.#running, this.#blockAt(number));
    this.#running[this.#groups[number & this.#mask] as number]++;
  }

  /** Adds to `into` how many events of each group there are from one number up to another one. Both are in the ring. */
  between(from: number, to: number, into: Uint32Array): void {
    if (to - from <= 2 * BLOCK) {
      for (let number = from; number < to; number++) into[this.#groups[number & this.#mask] as number]++;
      return;
    }
    const first = Math.ceil(from / BLOCK) * BLOCK;
    const last = Math.floor(to / BLOCK) * BLOCK;
    this.between(from, first, into);
    // The block that `to` is in may be one that no event has begun yet.
    if (last < to) {
      this.#addBlocks(first, last, into);
      this.between(last, to, into);
    } else {
      this.#addBlocks(first, last - BLOCK, into);
      this.between(last - BLOCK, to, into);
    }
  }

  #addBlocks(first: number, last: number, into: Uint32Array): void {
    const [low, high] = [this.#blockAt(first), this.#blockAt(last)];
    // Counters go round modulo 2^32.
    for (let group = 0; group < this.#count; group++) {
      into[group] += ((this.#blocks[high + group] as number) - (this.#blocks[low + group] as number)) >>> 0;
    }
  }

  #blockAt(number: number): number {
    return ((number & this.#mask) / BLOCK) * this.#count;
  }
}

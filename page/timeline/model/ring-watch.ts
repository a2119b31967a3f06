/** Numbered things in a ring, the last so many of them. */
interface Ring {
  readonly first: number;
  readonly end: number;
  at(number: number): number;
}

/** Tells what has come into a ring, and what was forgotten, since one looked last. All times are in milliseconds. */
export class RingWatch {
  readonly #ring: Ring;
  readonly #times: Float64Array;
  #end: number;
  #first: number;
  #oldest: number;

  /** @param times of the things, ascending */
  constructor(ring: Ring, times: Float64Array) {
    this.#ring = ring;
    this.#times = times;
    this.#end = ring.end;
    this.#first = ring.first;
    this.#oldest = this.#timeOf(ring.first);
  }

  /** From now on there is nothing new, and nothing was forgotten. */
  note(): void {
    const { first, end } = this.#ring;
    this.#end = end;
    this.#first = first;
    this.#oldest = this.#timeOf(first);
  }

  /** Time of the first thing that is new; Infinity if none is. */
  get newFrom(): number {
    return this.#timeOf(Math.max(this.#end, this.#ring.first));
  }

  /** Time of the first thing that was forgotten; Infinity if none was. */
  get forgottenFrom(): number {
    return this.#ring.first > this.#first ? this.#oldest : Number.POSITIVE_INFINITY;
  }

  /** Time of the oldest thing that is still kept if others were forgotten; -Infinity if none was. */
  get forgottenUntil(): number {
    return this.#ring.first > this.#first ? this.#timeOf(this.#ring.first) : Number.NEGATIVE_INFINITY;
  }

  #timeOf(number: number): number {
    const { end } = this.#ring;
    return number < end ? (this.#times[this.#ring.at(number)] as number) : Number.POSITIVE_INFINITY;
  }
}

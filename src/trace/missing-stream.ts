/** Something that says how much before it did not find room. */
export interface WithMissing {
  readonly missing: number;
}

/** The stream of one reader, which loses some of it when it is slow. */
export class MissingStream<T extends WithMissing> implements AsyncIterableIterator<T> {
  readonly #limit: number;
  readonly #events: (value: T) => number;
  readonly #leave: () => void;
  #queue: T[] = [];
  #next = 0;
  #missing = 0;
  #hasEnded = false;
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];

  /**
   * @param limit values that wait for a slow reader at most; those beyond are counted
   * @param events how many are missing where a value is
   * @param leave called when the reader wants no more
   */
  constructor(limit: number, events: (value: T) => number, leave: () => void) {
    this.#limit = limit;
    this.#events = events;
    this.#leave = leave;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  put(value: T): void {
    const missing = this.#missing + value.missing;
    const reader = this.#waiting.shift();
    if (reader === undefined && this.#queue.length - this.#next >= this.#limit) {
      this.#missing = missing + this.#events(value);
      return;
    }
    this.#missing = 0;
    const told = missing === value.missing ? value : { ...value, missing };
    if (reader === undefined) this.#queue.push(told);
    else reader({ done: false, value: told });
  }

  end(): void {
    this.#hasEnded = true;
    this.#leave();
    for (const reader of this.#waiting.splice(0)) reader({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T>> {
    const value = this.#queue[this.#next];
    if (value !== undefined) {
      this.#next++;
      if (this.#next === this.#queue.length) {
        this.#queue = [];
        this.#next = 0;
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#queue = [];
    this.#next = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }
}

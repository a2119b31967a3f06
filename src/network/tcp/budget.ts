/** Bytes of buffers that all connections share. */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** @returns whether there are so many left; they are taken then */
  take(bytes: number): boolean {
    if (this.#left < bytes) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** A connection that nothing flows through has no more in each direction, and has it in any case. */
const LEAST_BUFFER = 32 << 10;
const MOST_BUFFER = 1 << 20;

/** The bytes that may wait in one direction of one connection: more, the more it carries. */
export class Allowance {
  readonly #budget: Budget;
  #bytes = LEAST_BUFFER;
  #carried = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes have come through, and did not have to wait for their reader. */
  carried(bytes: number): void {
    this.#carried += bytes;
    if (this.#carried < this.#bytes || this.#bytes >= MOST_BUFFER || !this.#budget.take(this.#bytes)) return;
    this.#bytes *= 2;
    this.#carried = 0;
  }

  /** There is no connection any more. */
  end(): void {
    this.#budget.give(this.#bytes - LEAST_BUFFER);
    this.#bytes = LEAST_BUFFER;
  }
}

/** Most scenarios have some hundred states: to clear megabytes for them takes longer than to explore them. */
const ROWS_IN_CHUNK = 1 << 10;

/** A queue of state vectors, first in first out, in large typed arrays. */
export class Frontier {
  readonly #width: number;
  readonly #chunks: Int32Array[] = [];
  readonly #spare: Int32Array[] = [];
  #head = 0;
  #tail = ROWS_IN_CHUNK;
  #most = 0;

  /** @param width 32-bit words of one vector. */
  constructor(width: number) {
    this.#width = width;
  }

  push(vector: Int32Array): void {
    if (this.#tail === ROWS_IN_CHUNK) {
      this.#chunks.push(this.#spare.pop() ?? new Int32Array(ROWS_IN_CHUNK * this.#width));
      this.#most = Math.max(this.#most, this.#chunks.length);
      this.#tail = 0;
    }
    const chunk = this.#chunks[this.#chunks.length - 1];
    let at = this.#tail++ * this.#width;
    for (let index = 0; index < this.#width; index++) chunk[at++] = vector[index];
  }

  /** Takes the oldest vector. The queue is not empty. */
  shift(into: Int32Array): void {
    const chunk = this.#chunks[0];
    let at = this.#head++ * this.#width;
    for (let index = 0; index < this.#width; index++) into[index] = chunk[at++];
    if (this.#head === ROWS_IN_CHUNK) {
      this.#spare.push(...this.#chunks.splice(0, 1));
      this.#head = 0;
    }
  }

  /** Bytes that the queue needed at most. */
  get bytes(): number {
    return this.#most * ROWS_IN_CHUNK * this.#width * 4;
  }
}

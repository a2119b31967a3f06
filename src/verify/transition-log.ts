const CHUNK = 1 << 20;
const FIRST = 1 << 10;

/** Integers that only get more, in chunks; the first chunk begins small, as most scenarios have some hundred states. */
class Integers {
  readonly #chunks: Int32Array[] = [new Int32Array(FIRST)];
  length = 0;

  push(value: number): void {
    const index = (this.length / CHUNK) | 0;
    const at = this.length++ % CHUNK;
    if (index === this.#chunks.length) this.#chunks.push(new Int32Array(CHUNK));
    else if (at === this.#chunks[index].length) this.#grow(index);
    this.#chunks[index][at] = value;
  }

  at(index: number): number {
    return this.#chunks[(index / CHUNK) | 0][index % CHUNK];
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  #grow(index: number): void {
    const grown = new Int32Array(2 * this.#chunks[index].length);
    grown.set(this.#chunks[index]);
    this.#chunks[index] = grown;
  }
}

/** For each state, in the order of expansion, the numbers of its successors: what the search for rest needs. */
export class TransitionLog {
  readonly #targets = new Integers();
  readonly #ends = new Integers();

  add(target: number): void {
    this.#targets.push(target);
  }

  /** Ends the list of the state that is being expanded. */
  endState(): void {
    this.#ends.push(this.#targets.length);
  }

  get bytes(): number {
    return this.#targets.bytes + this.#ends.bytes;
  }

  /** Marks every state from which a state marked in `rests` can be reached. */
  markRestful(rests: Uint8Array): void {
    for (let changed = true; changed; ) {
      changed = false;
      let end = this.#targets.length;
      for (let state = this.#ends.length - 1; state >= 0; state--) {
        const start = state === 0 ? 0 : this.#ends.at(state - 1);
        if (rests[state] === 0 && this.#reaches(rests, start, end)) {
          rests[state] = 1;
          changed = true;
        }
        end = start;
      }
    }
  }

  /** Successors of a state. */
  successors(state: number): number[] {
    const start = state === 0 ? 0 : this.#ends.at(state - 1);
    return Array.from({ length: this.#ends.at(state) - start }, (_, index) =>
      this.#targets.at(start + index),
    );
  }

  #reaches(rests: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      if (rests[this.#targets.at(at)] !== 0) return true;
    }
    return false;
  }
}

const CHUNK = 1 << 20;

/** For each state, in the order of expansion, the numbers of its successors: what the search for rest needs. */
export class TransitionLog {
  readonly #targets: Int32Array[] = [];
  readonly #ends: Int32Array[] = [];
  #count = 0;
  #states = 0;

  add(target: number): void {
    if (this.#count % CHUNK === 0) this.#targets.push(new Int32Array(CHUNK));
    this.#targets[this.#targets.length - 1][this.#count++ % CHUNK] = target;
  }

  /** Ends the list of the state that is being expanded. */
  endState(): void {
    if (this.#states % CHUNK === 0) this.#ends.push(new Int32Array(CHUNK));
    this.#ends[this.#ends.length - 1][this.#states++ % CHUNK] = this.#count;
  }

  get bytes(): number {
    return (this.#targets.length + this.#ends.length) * CHUNK * 4;
  }

  /**
   * Marks every state from which a state marked in `rests` can be reached.
   *
   * @returns the first state that is not among them, or -1.
   */
  findRestless(rests: Uint8Array): number {
    for (let changed = true; changed; ) {
      changed = false;
      let end = this.#count;
      for (let state = this.#states - 1; state >= 0; state--) {
        const start = state === 0 ? 0 : this.#end(state - 1);
        if (rests[state] === 0 && this.#reaches(rests, start, end)) {
          rests[state] = 1;
          changed = true;
        }
        end = start;
      }
    }
    return rests.subarray(0, this.#states).indexOf(0);
  }

  /** Successors of a state. */
  successors(state: number): number[] {
    const start = state === 0 ? 0 : this.#end(state - 1);
    return Array.from({ length: this.#end(state) - start }, (_, index) => this.#target(start + index));
  }

  #reaches(rests: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      if (rests[this.#target(at)] !== 0) return true;
    }
    return false;
  }

  #target(at: number): number {
    return this.#targets[(at / CHUNK) | 0][at % CHUNK];
  }

  #end(state: number): number {
    return this.#ends[(state / CHUNK) | 0][state % CHUNK];
  }
}

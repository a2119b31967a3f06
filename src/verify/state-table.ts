/**
 * The set of states that were seen, as 64-bit fingerprints, with the step that first led to each of them. States are
 * numbered in the order of their discovery. About 22 bytes a state.
 */
export class StateTable {
  /** How many states there are. */
  count = 0;
  /** By state: the state that it was reached from first, -1 for the initial one. */
  parent = new Int32Array(1 << 12);
  /** By state: the step that led to it, see {@link stepCode}. */
  step = new Uint8Array(1 << 12);
  #low = new Int32Array(1 << 12);
  #high = new Int32Array(1 << 12);
  /** Open addressing: number of the state + 1, or 0. */
  #index = new Int32Array(1 << 13);
  #mask = (1 << 13) - 1;

  /**
   * @returns the number of the state when it is new, otherwise `-1 - number`.
   */
  insert(low: number, high: number, parent: number, step: number): number {
    const mask = this.#mask;
    const index = this.#index;
    let at = (low ^ Math.imul(high, 0x9e3779b1)) & mask;
    for (let entry = index[at]; entry !== 0; entry = index[at]) {
      if (this.#low[entry - 1] === low && this.#high[entry - 1] === high) return -entry;
      at = (at + 1) & mask;
    }
    const state = this.count;
    if (state === this.parent.length) this.#growStates();
    this.#low[state] = low;
    this.#high[state] = high;
    this.parent[state] = parent;
    this.step[state] = step;
    index[at] = state + 1;
    this.count = state + 1;
    if (this.count * 3 > this.#mask * 2) this.#growIndex();
    return state;
  }

  low(state: number): number {
    return this.#low[state];
  }

  high(state: number): number {
    return this.#high[state];
  }

  /** Bytes that the table occupies. */
  get bytes(): number {
    return this.parent.length * 13 + this.#index.length * 4;
  }

  /** The steps from the initial state to `state`. */
  pathTo(state: number): number[] {
    const steps: number[] = [];
    for (let at = state; this.parent[at] >= 0; at = this.parent[at]) steps.push(this.step[at]);
    return steps.reverse();
  }

  /** Upper estimate of the probability that two different states were taken for one. */
  get collisionProbability(): number {
    return (this.count * this.count) / 2 ** 65;
  }

  #growStates(): void {
    // By half at first sight of a large table, so that 4 GB hold as many states as possible.
    const size = this.parent.length;
    const length = size < 1 << 22 ? size * 2 : size + (size >> 1);
    this.parent = grown(this.parent, new Int32Array(length));
    this.#low = grown(this.#low, new Int32Array(length));
    this.#high = grown(this.#high, new Int32Array(length));
    this.step = grown(this.step, new Uint8Array(length));
  }

  #growIndex(): void {
    const index = new Int32Array(this.#index.length * 2);
    const mask = index.length - 1;
    for (let state = 0; state < this.count; state++) {
      let at = (this.#low[state] ^ Math.imul(this.#high[state], 0x9e3779b1)) & mask;
      while (index[at] !== 0) at = (at + 1) & mask;
      index[at] = state + 1;
    }
    this.#index = index;
    this.#mask = mask;
  }
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The most ways that one step can branch. */
export const MOST_CHOICES = 16;
/** The most threads that a scenario can have. */
export const MOST_THREADS = 16;

/** A step as one byte: which thread, and which way it goes when it chooses. */
export function stepCode(thread: number, choice: number): number {
  return (thread << 4) | choice;
}

/** Half of a component's share in the fingerprint of a state. Shares are combined by exclusive or. */
export function mixLow(component: number, value: number): number {
  let h = value ^ Math.imul(component + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The other half. */
export function mixHigh(component: number, value: number): number {
  let h = value ^ Math.imul(component + 1, 0x2545f491);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return h ^ (h >>> 15);
}

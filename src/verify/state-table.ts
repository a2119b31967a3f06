/** 32-bit words of an entry: both halves of the fingerprint, number of the state + 1. */
const ENTRY = 3;

/**
 * The set of states that were seen, as 64-bit fingerprints, with the step that first led to each of them. States are
 * numbered in the order of their discovery. 21 to 37 bytes a state, depending on how full the table is.
 *
 * Fingerprint and number lie side by side, because a look-up costs as much as the cache lines that it touches.
 */
export class StateTable {
  /** How many states there are. */
  count = 0;
  /** By state: the state that it was reached from first, -1 for the initial one. */
  parent = new Int32Array(1 << 12);
  /** By state: the step that led to it, see {@link stepCode}. */
  step = new Uint8Array(1 << 12);
  #entries = new Int32Array((1 << 13) * ENTRY);
  #mask = (1 << 13) - 1;

  /**
   * @returns the number of the state when it is new, otherwise `-1 - number`.
   */
  insert(low: number, high: number, parent: number, step: number): number {
    const mask = this.#mask;
    const entries = this.#entries;
    let place = (low ^ Math.imul(high, 0x9e3779b1)) & mask;
    for (;;) {
      const at = place * ENTRY;
      const known = entries[at + 2];
      if (known === 0) {
        const state = this.count;
        if (state === this.parent.length) this.#growStates();
        this.parent[state] = parent;
        this.step[state] = step;
        entries[at] = low;
        entries[at + 1] = high;
        entries[at + 2] = state + 1;
        this.count = state + 1;
        if (this.count * 4 > mask * 3) this.#growEntries();
        return state;
      }
      if (entries[at] === low && entries[at + 1] === high) return -known;
      place = (place + 1) & mask;
    }
  }

  /** Bytes that the table occupies. */
  get bytes(): number {
    return this.parent.length * 5 + this.#entries.length * 4;
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
    // By half once the table is large, so that 4 GB hold as many states as possible.
    const size = this.parent.length;
    const length = size < 1 << 22 ? size * 2 : size + (size >> 1);
    const parent = new Int32Array(length);
    parent.set(this.parent);
    this.parent = parent;
    const step = new Uint8Array(length);
    step.set(this.step);
    this.step = step;
  }

  #growEntries(): void {
    const old = this.#entries;
    const entries = new Int32Array(old.length * 2);
    const mask = this.#mask * 2 + 1;
    for (let from = 0; from < old.length; from += ENTRY) {
      if (old[from + 2] === 0) continue;
      let place = (old[from] ^ Math.imul(old[from + 1], 0x9e3779b1)) & mask;
      while (entries[place * ENTRY + 2] !== 0) place = (place + 1) & mask;
      entries[place * ENTRY] = old[from];
      entries[place * ENTRY + 1] = old[from + 1];
      entries[place * ENTRY + 2] = old[from + 2];
    }
    this.#entries = entries;
    this.#mask = mask;
  }
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

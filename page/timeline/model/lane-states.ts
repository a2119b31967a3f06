import { STATES } from './moment-facts.ts';

const BLOCK = 32;

/** The states of a vCPU, one behind the other: the last so many, and how long it was in each of them. */
export class LaneStates {
  readonly begins: Float64Array;
  readonly states: Uint8Array;
  /** Of the hypervisor's turn, the exit before it; of the guest's, HVIP at its begin and end. */
  readonly details: Int32Array;
  readonly #capacity: number;
  /** Milliseconds in each state before every 32nd one. */
  readonly #sums: Float64Array;
  readonly #running = new Float64Array(STATES.length);
  readonly #before = new Float64Array(STATES.length);
  #end = 0;

  /** @param capacity a power of two from 64 on */
  constructor(capacity: number) {
    this.begins = new Float64Array(capacity);
    this.states = new Uint8Array(capacity);
    this.details = new Int32Array(capacity);
    this.#capacity = capacity;
    this.#sums = new Float64Array((capacity / BLOCK) * STATES.length);
  }

  /** Number of the oldest state that is kept. */
  get first(): number {
    return Math.max(0, Math.ceil((this.#end - this.#capacity) / BLOCK) * BLOCK);
  }

  get end(): number {
    return this.#end;
  }

  /** The state that lasts; 0, `unknown`, if there was none. */
  get now(): number {
    return this.#end === 0 ? 0 : (this.states[this.at(this.#end - 1)] as number);
  }

  at(number: number): number {
    return number & (this.#capacity - 1);
  }

  /** Another state begins. */
  enter(time: number, state: number, detail: number): void {
    const number = this.#end;
    let begin = time;
    if (number > 0) {
      const last = this.at(number - 1);
      begin = Math.max(time, this.begins[last] as number);
      this.#running[this.states[last] as number] += begin - (this.begins[last] as number);
    }
    if (number % BLOCK === 0) this.#sums.set(this.#running, this.#blockAt(number));
    const at = this.at(number);
    this.begins[at] = begin;
    this.states[at] = state;
    this.details[at] = detail;
    this.#end = number + 1;
  }

  /** Number of the state at a time; -1 if that is before the oldest one. */
  numberAt(time: number): number {
    let low = this.first;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.begins[this.at(middle)] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1 < this.first ? -1 : low - 1;
  }

  /** When a state ends: Infinity for the one that lasts. */
  endOf(number: number): number {
    return number + 1 < this.#end ? (this.begins[this.at(number + 1)] as number) : Number.POSITIVE_INFINITY;
  }

  /**
   * Milliseconds in each state from the oldest one that is kept until a time.
   *
   * @param number of the state at that time
   */
  sumsUntil(time: number, number: number, into: Float64Array): void {
    if (number < 0) {
      into.set(this.#sums.subarray(this.#blockAt(this.first), this.#blockAt(this.first) + STATES.length));
      return;
    }
    const block = Math.floor(number / BLOCK) * BLOCK;
    into.set(this.#sums.subarray(this.#blockAt(block), this.#blockAt(block) + STATES.length));
    for (let each = block; each < number; each++) {
      into[this.states[this.at(each)] as number] += this.endOf(each) - (this.begins[this.at(each)] as number);
    }
    const at = this.at(number);
    into[this.states[at] as number] += time - (this.begins[at] as number);
  }

  /**
   * Milliseconds in each state between two times.
   *
   * @param number of the state at the first of them
   * @returns the number of the state at the second
   */
  spent(from: number, to: number, number: number, into: Float64Array): number {
    into.fill(0);
    let time = from;
    // As a rule a column of a picture has few states, and the next one is beside.
    for (let each = number; each < number + BLOCK; each++) {
      const end = Math.min(this.endOf(each), to);
      into[this.states[this.at(each)] as number] += end - time;
      if (end === to) return this.endOf(each) === to ? each + 1 : each;
      time = end;
    }
    const last = this.numberAt(to);
    this.sumsUntil(from, number, this.#before);
    this.sumsUntil(to, last, into);
    for (const [state, before] of this.#before.entries()) into[state] -= before;
    return last;
  }

  #blockAt(number: number): number {
    return ((number & (this.#capacity - 1)) / BLOCK) * STATES.length;
  }
}

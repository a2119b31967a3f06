import { GROUPS } from './moment-facts.ts';
import { PrefixCounts } from './prefix-counts.ts';

/** The record of a moment on the lane where it happened. */
export interface LaneEvent {
  readonly time: number;
  /** Number of its step. */
  readonly step: number;
  readonly group: number;
  readonly cpu: number;
  readonly cause: number;
  readonly detail: number;
  readonly flow: number;
  readonly span: number;
}

/**
 * The events of one lane in the order of their times: the last so many, in arrays of numbers. An event is known by how
 * many there were before it.
 */
export class LaneEvents {
  readonly times: Float64Array;
  readonly flows: Float64Array;
  readonly causes: Int32Array;
  readonly details: Int32Array;
  readonly spans: Float32Array;
  readonly cpus: Int16Array;
  readonly steps: Uint8Array;
  readonly groups: Uint8Array;
  readonly #capacity: number;
  readonly #counts: PrefixCounts;
  #end = 0;

  /** @param capacity a power of two from 64 on */
  constructor(capacity: number) {
    if (capacity < 64 || !Number.isInteger(Math.log2(capacity)))
      throw new RangeError(`a lane has room for 64, 128, ... events, and not for ${capacity}`);
    this.times = new Float64Array(capacity);
    this.flows = new Float64Array(capacity);
    this.causes = new Int32Array(capacity);
    this.details = new Int32Array(capacity);
    this.spans = new Float32Array(capacity);
    this.cpus = new Int16Array(capacity);
    this.steps = new Uint8Array(capacity);
    this.groups = new Uint8Array(capacity);
    this.#capacity = capacity;
    this.#counts = new PrefixCounts(this.groups, GROUPS.length);
  }

  /** Number of the oldest event that is kept. Some room is left before it, so that counters of its block hold. */
  get first(): number {
    return Math.max(0, Math.ceil((this.#end - this.#capacity) / 32) * 32);
  }

  /** The number that the next event will have. */
  get end(): number {
    return this.#end;
  }

  /** Place of an event in the arrays. */
  at(number: number): number {
    return number & (this.#capacity - 1);
  }

  /** Puts an event behind the others; one whose time is before theirs, by the clocks of two threads, gets theirs. */
  push(
    time: number,
    step: number,
    group: number,
    cpu: number,
    cause: number,
    detail: number,
    flow: number,
    span: number,
  ): void {
    const number = this.#end;
    const at = this.at(number);
    this.times[at] = number === 0 ? time : Math.max(time, this.times[this.at(number - 1)] as number);
    this.steps[at] = step;
    this.groups[at] = group;
    this.cpus[at] = cpu;
    this.causes[at] = cause;
    this.details[at] = detail;
    this.flows[at] = flow;
    this.spans[at] = span;
    this.#end = number + 1;
    this.#counts.add(number);
  }

  /** The event of a number, as one object. */
  event(number: number): LaneEvent {
    const at = this.at(number);
    return {
      time: this.times[at] as number,
      step: this.steps[at] as number,
      group: this.groups[at] as number,
      cpu: this.cpus[at] as number,
      cause: this.causes[at] as number,
      detail: this.details[at] as number,
      flow: this.flows[at] as number,
      span: this.spans[at] as number,
    };
  }

  /** Number of the first event at a time or behind it; `end` if there is none. @param from where to look from */
  firstAt(time: number, from = this.first): number {
    let low = Math.max(from, this.first);
    let high = this.#end;
    // The columns of a picture follow each other, so the next border is often near.
    for (let reach = 16; low + reach < high; reach *= 4) {
      if ((this.times[this.at(low + reach)] as number) >= time) {
        high = low + reach;
        break;
      }
      low += reach;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[this.at(middle)] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds to `into` how many events of each group there are between two numbers. */
  count(from: number, to: number, into: Uint32Array): void {
    this.#counts.between(from, to, into);
  }
}

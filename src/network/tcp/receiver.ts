import type { Allowance } from './budget.ts';
import { distance, plus } from './numbers.ts';
import { FLAG, type Segment } from './segment.ts';

const LARGEST_FIELD = 0xffff;

/** The news in a segment. */
export interface Received {
  readonly data: Uint8Array;
  /** The guest sends no more. */
  readonly end: boolean;
  /** The guest is to hear where we are, though nothing is new. */
  readonly answer: boolean;
}

/** The half of a connection by which the guest sends: bytes that have come, and how many more may. */
export class Receiver {
  readonly #allowance: Allowance;
  readonly #scale: number;
  /** The number that is expected next, and the one behind all that the guest was told that it may send. */
  #next: number;
  #edge: number;
  #ended = false;

  /**
   * @param first the number of the first byte
   * @param scale by how many bits our windows are shifted
   */
  constructor(first: number, scale: number, allowance: Allowance) {
    this.#next = first;
    this.#edge = first;
    this.#scale = scale;
    this.#allowance = allowance;
  }

  get next(): number {
    return this.#next;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether a segment has something in the window, or just before it (RFC 9293, section 3.10.7.4). */
  isNear({ sequence, data }: Segment): boolean {
    return distance(sequence, this.#edge) <= 0 && distance(plus(sequence, data.length), this.#next) >= 0;
  }

  /** Takes the new bytes of a segment. Those before their turn are dropped, and comes again. */
  take({ sequence, data, flags }: Segment): Received {
    const isEnd = (flags & FLAG.FIN) !== 0;
    const skip = distance(this.#next, sequence);
    const nothing = { data: data.subarray(0, 0), end: false, answer: data.length > 0 || isEnd };
    if (skip < 0 || skip > data.length || this.#ended) return nothing;
    const room = Math.max(0, distance(this.#edge, this.#next));
    const taken = data.subarray(skip, skip + room);
    const end = isEnd && skip + taken.length === data.length;
    if (taken.length === 0 && !end) return nothing;
    this.#next = plus(this.#next, taken.length + (end ? 1 : 0));
    this.#ended = end;
    return { data: taken, end, answer: true };
  }

  /** The field that tells the guest how much it may send. @param pending bytes that the host has not taken */
  window(pending: number): number {
    const edge = this.#possibleEdge(pending);
    if (distance(edge, this.#edge) > 0) this.#edge = edge;
    const window = Math.max(0, distance(this.#edge, this.#next));
    return Math.min(LARGEST_FIELD, window >>> this.#scale);
  }

  /** The same without scale, as segments with SYN have it. */
  firstWindow(): number {
    const window = Math.min(LARGEST_FIELD, this.#allowance.bytes);
    this.#edge = plus(this.#next, window);
    return window;
  }

  /** Whether the guest is to be told that it may send more. */
  isWorthTelling(pending: number): boolean {
    return distance(this.#possibleEdge(pending), this.#edge) >= this.#allowance.bytes / 2;
  }

  /** As far as the window may go. It opens by large steps only, so that the guest sends large segments. */
  #possibleEdge(pending: number): number {
    const free = Math.max(0, this.#allowance.bytes - pending);
    const edge = plus(this.#next, free);
    return distance(edge, this.#edge) >= Math.min(this.#allowance.bytes / 4, 2048) ? edge : this.#edge;
  }
}

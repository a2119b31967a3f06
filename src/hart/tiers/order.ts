import type { Xlen } from '../../isa/index.ts';
import {
  type CompileOptions,
  draftRegion,
  graphToWords,
  pagesOf,
  type RegionDraft,
} from '../../jit/index.ts';
import { SLOT } from '../interpreter/slots.ts';
import { type CompileAnswer, type CompilerPort, DESKS } from './compiler-desk.ts';
import type { HartCode, Place } from './hart-code.ts';

/** A region that is to be compiled: on this thread, or on another one while the guest goes on. */
export class Order {
  readonly place: Place;
  readonly source: HartCode;
  readonly how: CompileOptions;
  /** What it is to be; once that is known. */
  draft: RegionDraft | undefined;
  /** Some of its code has changed since: it is not put in place. */
  isStale = false;
  /** Milliseconds that it has taken on this thread. */
  time = 0;
  #since = performance.now();

  constructor(place: Place, source: HartCode, how: CompileOptions) {
    this.place = place;
    this.source = source;
    this.how = how;
  }

  /** Of the entry, within its page. */
  get halfword(): number {
    return (this.place.slot - this.place.slots) / SLOT.bytes;
  }

  /** Of the entry, in bytes from its page. */
  get offset(): number {
    return this.halfword * 2;
  }

  /** @param slots first slot of a decoded page */
  hasCodeOf(slots: number): boolean {
    if (this.draft === undefined) return false;
    const { place, source } = this;
    return slots === place.slots || pagesOf(this.draft.graph).some((page) => source.slotsOf(page) === slots);
  }

  /** Work on it goes on. */
  resume(): void {
    this.#since = performance.now();
  }

  /** Work on it ends, for now. @returns milliseconds since it began or went on */
  pause(): number {
    const time = performance.now() - this.#since;
    this.time += time;
    return time;
  }
}

/** What a hart has asked the compiler's thread for. */
export class Orders {
  readonly #port: CompilerPort | undefined;
  /** By the number of the desk. */
  readonly #orders: (Order | undefined)[] = new Array(DESKS).fill(undefined);
  /** How many there are. */
  count = 0;

  constructor(port: CompilerPort | undefined) {
    this.#port = port;
  }

  get areServed(): boolean {
    return this.#port?.isServed === true;
  }

  /** Whether nothing can be ordered now that begins at a slot, since that is ordered already or all desks are taken. */
  keepsFrom(slot: number): boolean {
    return (
      this.count === DESKS || (this.count > 0 && this.#orders.some((order) => order?.place.slot === slot))
    );
  }

  /**
   * Finds out what a region is to be, and asks for its code, if there is any.
   *
   * @returns false when there is nobody to ask, or too much to ask
   */
  ask(order: Order, xlen: Xlen): boolean {
    const port = this.#port;
    const desk = this.#orders.indexOf(undefined);
    if (port === undefined || desk < 0) return false;
    const draft = draftRegion(order.source, order.offset, order.how.depth, xlen);
    if (draft === undefined) return true;
    if (!port.ask(desk, { ...order.how, words: graphToWords(draft.graph) })) return false;
    order.draft = draft;
    this.#orders[desk] = order;
    this.count++;
    return true;
  }

  /** Gives `receive` what is there by now. */
  take(receive: (order: Order, answer: CompileAnswer) => void): void {
    for (let desk = 0; desk < DESKS; desk++) {
      const order = this.#orders[desk];
      if (order === undefined || this.#port?.isAnswered(desk) !== true) continue;
      this.#orders[desk] = undefined;
      this.count--;
      receive(order, this.#port.take(desk));
    }
  }

  /** The code of a decoded page changes. @returns the slots at which regions were to begin that have code of it */
  dropPage(slots: number): readonly number[] {
    if (this.count === 0) return [];
    return this.#orders.flatMap((order) => {
      if (order?.hasCodeOf(slots) !== true) return [];
      order.isStale = true;
      return [order.place.slot];
    });
  }
}

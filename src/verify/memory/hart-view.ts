/**
 * One hart's view of memory, after Promising-RISC-V (Pulte, Pichon-Pharabod, Kang, Lee, Hur: "Promising-ARM/
 * RISC-V", PLDI 2019). Memory is the list of all stores in the order in which they take effect; the time of a store is
 * its position from 1 on, and time 0 stands for all initial values. A hart executes in program order; each of its
 * operations has a view, the time that it cannot be earlier than, and preserved program order shows as views that
 * later operations inherit.
 */
import { type FenceOrder, type Order, READS, WRITES } from './program.ts';

/** A store that has taken effect, or that its hart has promised. */
export interface Message {
  readonly location: number;
  readonly value: number;
  readonly hart: number;
}

/**
 * Slots of a view, which is one list of integers so that the explorer can copy, compare and store it (a plain array,
 * which is copied several times faster than a small typed one). All are times, but {@link Slot.RESERVED_LOCATION} and
 * the last of each location.
 */
export const Slot = {
  /** The latest of all loads, and of all stores, so far: what fences and releases wait for. */
  READ_OLD: 0,
  WRITE_OLD: 1,
  /** Later loads, and later stores, must come after these. */
  READ_NEW: 2,
  WRITE_NEW: 3,
  /** Branches and addresses so far depend on this: later stores come after it (rules 11 and 13). */
  CAPTURED: 4,
  /**
   * The latest RCsc operation with a release annotation: later ones with an acquire annotation come after it (rule 7).
   */
  RELEASED: 5,
  /** The load-reserved in force: location + 1 or 0, the time it read from, and its view. */
  RESERVED_LOCATION: 6,
  RESERVED_TIME: 7,
  RESERVED_VIEW: 8,
  /** From here on {@link PER_LOCATION} slots for each location. */
  LOCATIONS: 9,
} as const;

/** For each location: the earliest time it may be read at. */
export const COHERENCE = 0;
/** For each location: the hart's last store, what its address and data depend on, and 1 if it was atomic. */
export const FORWARD_TIME = 1;
export const FORWARD_VIEW = 2;
export const FORWARD_ATOMIC = 3;
export const PER_LOCATION = 4;

export class HartView {
  readonly slots: number[];

  constructor(locations: number, slots?: number[]) {
    this.slots = slots ?? new Array<number>(Slot.LOCATIONS + PER_LOCATION * locations).fill(0);
  }

  copy(): HartView {
    return new HartView(0, this.slots.slice());
  }

  coherence(location: number): number {
    return this.slots[Slot.LOCATIONS + PER_LOCATION * location + COHERENCE];
  }

  /** A branch on a value with this view. */
  branch(view: number): void {
    this.#raise(Slot.CAPTURED, view);
  }

  fence(order: FenceOrder): void {
    const { slots } = this;
    const waits = Math.max(
      order.before & READS ? slots[Slot.READ_OLD] : 0,
      order.before & WRITES ? slots[Slot.WRITE_OLD] : 0,
    );
    if (order.after & READS) this.#raise(Slot.READ_NEW, waits);
    if (order.after & WRITES) this.#raise(Slot.WRITE_NEW, waits);
  }

  /** All later operations come after what is in memory now: `now` is the time of the last store. */
  synchronize(now: number): void {
    this.#raise(Slot.READ_NEW, now);
    this.#raise(Slot.WRITE_NEW, now);
  }

  /** The view of a hart that comes to a full fence; see `arrive` of `weak-memory.ts`. */
  synchronized(now: number): HartView {
    const view = this.copy();
    view.synchronize(now);
    return view;
  }

  /** A load must come after this, before it has read. */
  beforeLoad(address: number, order: Order): number {
    return Math.max(address, this.slots[Slot.READ_NEW], this.#beforeAnnotated(order));
  }

  /** A store must come after this. */
  beforeStore(address: number, data: number, order: Order): number {
    const { slots } = this;
    return Math.max(address, data, slots[Slot.CAPTURED], slots[Slot.WRITE_NEW], this.#beforeAnnotated(order));
  }

  /** An AMO, which is a load and a store at one time, must come after this. */
  beforeAmo(address: number, data: number, order: Order): number {
    return Math.max(this.beforeLoad(address, order), this.beforeStore(address, data, order));
  }

  /** Whether a load with view `before` may read the message at `time`, or the initial value at time 0. */
  canRead(messages: readonly Message[], location: number, time: number, before: number): boolean {
    const until = Math.max(before, this.coherence(location));
    for (let later = time + 1; later <= until; later++) {
      if (messages[later - 1]?.location === location) return false;
    }
    return true;
  }

  /** @returns the view of the value. */
  load(location: number, time: number, address: number, order: Order): number {
    const { slots } = this;
    const base = Slot.LOCATIONS + PER_LOCATION * location;
    // A load may take the value of the hart's own store before that takes effect, but not an atomic one's (rule 3).
    const isForwarded = time > 0 && slots[base + FORWARD_TIME] === time && slots[base + FORWARD_ATOMIC] === 0;
    const seen = isForwarded ? slots[base + FORWARD_VIEW] : time;
    const view = Math.max(this.beforeLoad(address, order), seen);
    this.#raise(base + COHERENCE, view);
    this.#raise(Slot.READ_OLD, view);
    this.#annotate(view, address, order);
    return view;
  }

  loadReserved(location: number, time: number, address: number, order: Order): number {
    const view = this.load(location, time, address, order);
    this.slots[Slot.RESERVED_LOCATION] = location + 1;
    this.slots[Slot.RESERVED_TIME] = time;
    this.slots[Slot.RESERVED_VIEW] = view;
    return view;
  }

  /** Whether a store may take effect at `time`. */
  canStore(location: number, time: number, before: number): boolean {
    return time > before && time > this.coherence(location);
  }

  store(location: number, time: number, address: number, data: number, order: Order, isAtomic = false): void {
    const { slots } = this;
    const base = Slot.LOCATIONS + PER_LOCATION * location;
    slots[base + COHERENCE] = time;
    slots[base + FORWARD_TIME] = time;
    slots[base + FORWARD_VIEW] = Math.max(address, data);
    slots[base + FORWARD_ATOMIC] = isAtomic ? 1 : 0;
    this.#raise(Slot.WRITE_OLD, time);
    this.#annotate(time, address, order);
  }

  amo(location: number, time: number, address: number, data: number, order: Order): void {
    this.store(location, time, address, data, order, true);
    this.#raise(Slot.READ_OLD, time);
  }

  /**
   * Whether a store-conditional may succeed at `time`: no other hart's store lies between the load-reserved's and it.
   */
  canSucceed(
    messages: readonly Message[],
    hart: number,
    location: number,
    time: number,
    before: number,
  ): boolean {
    const { slots } = this;
    if (slots[Slot.RESERVED_LOCATION] !== location + 1) return false;
    if (!this.canStore(location, time, Math.max(before, slots[Slot.RESERVED_VIEW]))) return false;
    for (let between = slots[Slot.RESERVED_TIME] + 1; between < time; between++) {
      const message = messages[between - 1];
      if (message.location === location && message.hart !== hart) return false;
    }
    return slots[Slot.RESERVED_TIME] < time;
  }

  /** A store-conditional uses the reservation up, whether it succeeds or not. */
  clearReservation(): void {
    this.slots.fill(0, Slot.RESERVED_LOCATION, Slot.RESERVED_VIEW + 1);
  }

  #beforeAnnotated(order: Order): number {
    const { slots } = this;
    const released = order.release ? Math.max(slots[Slot.READ_OLD], slots[Slot.WRITE_OLD]) : 0;
    return order.acquire && order.rcsc ? Math.max(released, slots[Slot.RELEASED]) : released;
  }

  #annotate(view: number, address: number, order: Order): void {
    this.#raise(Slot.CAPTURED, address);
    if (order.acquire) {
      this.#raise(Slot.READ_NEW, view);
      this.#raise(Slot.WRITE_NEW, view);
    }
    if (order.release && order.rcsc) this.#raise(Slot.RELEASED, view);
  }

  #raise(slot: number, view: number): void {
    if (this.slots[slot] < view) this.slots[slot] = view;
  }
}

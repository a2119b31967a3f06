import { isEnabled, Kind, resultOf, valueAfter } from './operations.ts';
import { MOST_THREADS_WITH_SLEEPERS, packedAfter } from './sleepers.ts';
import type { SpecViolation } from './spec-event.ts';
import { OBJECTION, type SpecTable } from './spec-table.ts';
import { MOST_THREADS, mixHigh, mixLow } from './state-table.ts';
import type { ThreadPrograms } from './thread-programs.ts';

/** Thrown when a word turns out to be used, or shared, or to have a value, that was not known before. */
export class LayoutChanged extends Error {}

/** Ways to keep a word's content in a state. */
const Treatment = { PLAIN: 0, UNREAD: 1, COUNT: 2 } as const;

/**
 * A state as a vector of numbers that threads change by their steps: the words in use, where each thread is, further
 * components of the caller's, the sleepers if there are any, and the state of the specification. Behind it lie both
 * halves of its fingerprint, as they were when {@link seal} was called.
 */
export class StateVector {
  readonly next: Int32Array;
  /** The number of components. */
  readonly width: number;
  /** Words in use: the first components. */
  readonly slots: number;
  /** Threads that are not of a crowd: the components after the words. */
  readonly threads: number;
  /** The first of the caller's components. */
  readonly extra: number;
  /** Component that has the sleepers, -1 when nobody ever sleeps. */
  readonly queue: number;
  low = 0;
  high = 0;
  /** The last objection of the specification. */
  objection: SpecViolation | undefined;
  readonly #programs: ThreadPrograms;
  readonly #spec: SpecTable;
  readonly #layout: number;
  readonly #owner: Int32Array;
  /** By slot: one of {@link Treatment}. */
  readonly #treatment: Uint8Array;
  /** The word of the last access. */
  #word = -1;
  readonly #wordOf = (thread: number): number =>
    thread < this.threads ? this.#programs.slot.at(this.next[this.slots + thread]) : this.#word;

  /** @param extra how many components the caller wants. */
  constructor(programs: ThreadPrograms, spec: SpecTable, extra: number) {
    const { crowds, hasSleepers, memory, slots, threads } = programs;
    this.#programs = programs;
    this.#spec = spec;
    this.slots = slots.length;
    this.threads = threads.length - crowds.length;
    if (this.threads > MOST_THREADS) throw new RangeError(`A scenario has at most ${MOST_THREADS} threads`);
    if (hasSleepers && this.threads > MOST_THREADS_WITH_SLEEPERS) {
      throw new RangeError(`A scenario with Atomics.wait has at most ${MOST_THREADS_WITH_SLEEPERS} threads`);
    }
    this.extra = this.slots + this.threads;
    this.width = this.extra + extra + (hasSleepers ? 2 : 1);
    this.queue = hasSleepers ? this.width - 2 : -1;
    this.#treatment = Uint8Array.from(slots, (address) => {
      const { unread, isCount } = memory.words[address];
      return unread ? Treatment.UNREAD : isCount ? Treatment.COUNT : Treatment.PLAIN;
    });
    this.#layout = programs.layoutVersion;
    this.#owner = Int32Array.from(programs.ownerOfSlot);
    this.next = new Int32Array(this.width + 2);
  }

  /** Makes it the initial state. */
  start(): void {
    const { memory, slots, starts } = this.#programs;
    const vector = this.next;
    vector.fill(0);
    for (let slot = 0; slot < this.slots; slot++) vector[slot] = memory.initial[slots[slot]];
    for (let thread = 0; thread < this.threads; thread++) vector[this.slots + thread] = starts[thread];
    vector[this.width - 1] = this.#spec.initial;
    this.low = 0;
    this.high = 0;
    for (let index = 0; index < this.width; index++) {
      this.low ^= mixLow(index, vector[index]);
      this.high ^= mixHigh(index, vector[index]);
    }
    // Accesses before the first shared one of each thread commute with everything.
    for (let thread = 0; thread < this.threads; thread++) this.runPrivate(thread);
  }

  /** Makes it a copy of a sealed state. */
  copy(state: Int32Array): void {
    const { next, width } = this;
    for (let index = 0; index < width; index++) next[index] = state[index];
    this.low = state[width];
    this.high = state[width + 1];
  }

  /** Writes the fingerprint behind the components, and returns all of it. */
  seal(): Int32Array {
    this.next[this.width] = this.low;
    this.next[this.width + 1] = this.high;
    return this.next;
  }

  /**
   * Does the pending operation of a thread here. Returns false when the specification objects: {@link objection} says
   * what to.
   */
  perform(thread: number, choice: number): boolean {
    const programs = this.#programs;
    const place = this.slots + thread;
    const node = this.next[place];
    const edge = programs.edge(node, this.access(thread, node, choice));
    if (programs.layoutVersion !== this.#layout) throw new LayoutChanged();
    this.change(place, node, programs.edgeTarget.at(edge));
    const events = programs.edgeEvents.at(edge);
    return events === 0 || this.tell(events);
  }

  /**
   * Does the operation of a node on words and sleepers. Returns its result.
   *
   * @param thread any other number for a thread of a crowd
   */
  access(thread: number, node: number, choice: number): number {
    const { kind, slot, a, b } = this.#programs;
    const at = slot.at(node);
    if (at < 0) return choice;
    this.#word = at;
    const of = kind.at(node) as Kind;
    const old = this.next[at];
    const operand = a.at(node);
    if (of >= Kind.WAIT) return this.#stepSleepers(thread, of, old, operand);
    if (this.#treatment[at] !== Treatment.PLAIN) return this.#stepCounter(at, of, old, operand);
    this.change(at, old, valueAfter(of, old, operand, b.at(node)));
    return resultOf(of, old, operand);
  }

  #stepSleepers(thread: number, kind: Kind, value: number, a: number): number {
    const before = this.next[this.queue];
    const [after, result] = packedAfter(before, kind, thread, value, a, this.#wordOf);
    this.change(this.queue, before, after);
    return result;
  }

  /** The result of an access to a counter: its value is no number here, so adding gives none either. */
  #stepCounter(slot: number, kind: Kind, old: number, a: number): number {
    if (this.#treatment[slot] === Treatment.UNREAD) return resultOf(kind, old, a);
    if (kind !== Kind.ADD) return old;
    if (a !== 0) this.change(slot, old, this.#freshValue(slot));
    return 0;
  }

  /**
   * A value that differs from all that threads have read from a count and may still compare. Nobody can tell which one
   * it is, so it may be the one from before when nobody remembers that.
   */
  #freshValue(slot: number): number {
    const programs = this.#programs;
    const address = programs.slots[slot];
    let remembered = 0;
    for (let thread = 0; thread < this.threads; thread++) {
      remembered |= programs.remembers.at(this.next[this.slots + thread]);
    }
    for (let value = 0; value < programs.countValues; value++) {
      if ((remembered & programs.countBit(address, value)) === 0) return value;
    }
    throw new RangeError(`Threads remember more values of ${programs.memory.words[address].name} than fit`);
  }

  /**
   * Goes on with a thread while it touches only words that no other thread uses, and tells the specification nothing.
   * Returns false when the specification objects.
   */
  runPrivate(thread: number): boolean {
    const { slot, hasEvents } = this.#programs;
    for (let steps = 0; steps < 10_000; steps++) {
      const node = this.next[this.slots + thread];
      const at = slot.at(node);
      if (at < 0 || this.#owner[at] !== thread || hasEvents.at(node) !== 0) return true;
      const kind = this.#programs.kind.at(node) as Kind;
      if (!isEnabled(kind, this.next[at], this.#programs.a.at(node))) return true;
      if (!this.perform(thread, 0)) return false;
    }
    return true;
  }

  /** Changes a component from what it is. */
  change(component: number, from: number, to: number): void {
    if (from === to) return;
    this.low ^= mixLow(component, from) ^ mixLow(component, to);
    this.high ^= mixHigh(component, from) ^ mixHigh(component, to);
    this.next[component] = to;
  }

  /** Tells the specification a list of events. Returns false when it objects. */
  tell(events: number): boolean {
    const place = this.width - 1;
    const from = this.next[place];
    const to = this.#spec.next(events, from);
    if (to === OBJECTION) {
      this.objection = this.#spec.objection(events, from);
      return false;
    }
    this.change(place, from, to);
    return true;
  }
}

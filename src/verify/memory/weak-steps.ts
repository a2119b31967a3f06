/**
 * The moves of one thread in a weak memory state. They depend on the words, on what that thread has seen and on where
 * it is; of the other threads on nothing. So it is computed once, however many states have these three in common.
 */
import { concernsSleepers, isEnabled, Kind, resultOf, valueAfter } from '../operations.ts';
import type { ThreadPrograms } from '../thread-programs.ts';
import type { HartView } from './hart-view.ts';
import type { Ordering } from './orderings.ts';
import { hasFullFence } from './program.ts';
import {
  type Continuation,
  canKeep,
  type Foresight,
  makePromise,
  owed,
  promisableStores,
} from './promises.ts';
import { type OrderingOf, readsFreely } from './weak-access.ts';
import { outcomes, type WeakAccess, type WeakOutcome, type WeakState } from './weak-memory.ts';
import { WeakSleepers } from './weak-sleepers.ts';

/** A step of a counterexample: the thread, what its access returned, and the choice among the outcomes. */
export interface WeakStep {
  readonly thread: number;
  readonly result: number;
  /** How many stores to the word were newer than what a load read: 0 under sequential consistency. -1: a promise. */
  readonly behind: number;
  /** Address of the word of a promise; `result` is its value. -1 for other steps. */
  readonly promised: number;
  /** The store takes the place of a promise. */
  readonly keeps: boolean;
}

/** The words of a state: the same for all threads. */
export type Words = Pick<WeakState, 'base' | 'messages'>;

/** One way for a thread to go on. */
export interface LocalStep {
  readonly step: WeakStep;
  readonly words: Words;
  readonly view: HartView;
  /** Where the thread is then. */
  readonly node: number;
  /** Events for the specification, as `ThreadPrograms.eventLists` numbers it. */
  readonly events: number;
}

/** Thrown when a word, a reader of one, or a load turns up that was not known. */
export class LayoutChanged extends Error {}

/** How many accesses to its own words a thread may make in a row. */
const LONGEST_PRIVATE = 10_000;

const NO_STEPS: readonly LocalStep[] = [];

export class ThreadSteps {
  readonly #programs: ThreadPrograms;
  readonly #orderingOf: OrderingOf;
  /** By slot: the threads that load the word. Grows from one attempt to the next. */
  readonly #readers: number[];
  readonly #foresight: Foresight;
  readonly #layout: number;
  readonly #sleepers: WeakSleepers;
  readonly #orderings: Ordering[] = [];

  constructor(programs: ThreadPrograms, orderingOf: OrderingOf, readers: number[], foresight: Foresight) {
    this.#programs = programs;
    this.#orderingOf = orderingOf;
    this.#readers = readers;
    this.#foresight = foresight;
    this.#layout = programs.layoutVersion;
    // The list of sleepers, behind all words, has read-modify-writes only.
    this.#sleepers = new WeakSleepers(programs.slots.length);
    while (readers.length < programs.slots.length + (programs.hasSleepers ? 1 : 0)) readers.push(0);
  }

  /** Whether the thread sleeps in `Atomics.wait`. */
  isAsleep(words: Words, thread: number): boolean {
    return this.#programs.hasSleepers && this.#sleepers.isAsleep(words, thread);
  }

  /** Whether the thread, at a node, may read another store than the last one. */
  isLoad(node: number): boolean {
    const slot = this.#programs.slot.at(node);
    if (slot < 0 || this.#isOwn(slot)) return false;
    return readsFreely(this.#programs.kind.at(node) as Kind, this.#orderingAt(node));
  }

  /** Whether a full fence stands before the access at a node. */
  isFencedBefore(node: number): boolean {
    return this.#isFenced(node, ({ before }) => hasFullFence(before));
  }

  /** Whether a full fence stands behind the access at a node, whatever its result. */
  isFencedBehind(node: number): boolean {
    // LR/SC that fails does not come to the fences behind it.
    return this.#isFenced(node, ({ after, reserve }) => reserve === undefined && hasFullFence(after));
  }

  #isFenced(node: number, holds: (ordering: Ordering) => boolean): boolean {
    const slot = this.#programs.slot.at(node);
    if (slot < 0 || this.#isOwn(slot)) return false;
    return concernsSleepers(this.#programs.kind.at(node) as Kind) || holds(this.#orderingAt(node));
  }

  /** Every access that the thread can make. */
  accesses(words: Words, view: HartView, node: number): readonly LocalStep[] {
    const programs = this.#programs;
    const kind = programs.kind.at(node) as Kind;
    const thread = programs.threadOf.at(node);
    if (kind === Kind.CHOOSE) return this.#choices(words, view, node);
    const slot = programs.slot.at(node);
    if (slot < 0) return NO_STEPS;
    if (this.#isOwn(slot)) return this.#ownAccess(words, view, node);
    this.#noteReader(node);
    const found: LocalStep[] = [];
    const state = this.#alone(words, view);
    for (const { result, readFrom, state: next } of this.#outcomes(state, node)) {
      const keeps = owed(next, thread) < owed(state, thread);
      const behind = readFrom < 0 ? 0 : newerThan(readFrom, slot, words);
      const step = { thread, result, behind, promised: -1, keeps };
      const one = this.#arrive(node, next, next.views[thread], step);
      if (one !== undefined) found.push(one);
    }
    return found;
  }

  #outcomes(state: WeakState, node: number): WeakOutcome[] {
    const programs = this.#programs;
    const kind = programs.kind.at(node) as Kind;
    const thread = programs.threadOf.at(node);
    const [address, a, b] = [programs.slot.at(node), programs.a.at(node), programs.b.at(node)];
    if (concernsSleepers(kind)) return this.#sleepers.outcomes(state, thread, { kind, address, a, b });
    const all = outcomes(state, thread, { kind, address, a, b, ordering: this.#orderingAt(node) });
    // Of a count, code may know whether it has moved, but not what it was.
    return this.addsToCount(node) ? all.map((one) => ({ ...one, result: 0 })) : all;
  }

  /** Whether a node adds to a count, so that there the count gets a value that no thread remembers. */
  addsToCount(node: number): boolean {
    const { kind, slot, slots, memory } = this.#programs;
    return kind.at(node) === Kind.ADD && memory.words[slots[slot.at(node)]].isCount === true;
  }

  /** Every store that the thread may make ahead of its turn. */
  promises(words: Words, view: HartView, node: number): readonly LocalStep[] {
    const thread = this.#programs.threadOf.at(node);
    const state = this.#alone(words, view);
    return this.#continuations(node, words.base).flatMap((ahead) =>
      promisableStores(state, thread, ahead, this.#foresight).map((store) => ({
        step: {
          thread,
          result: store.value,
          behind: -1,
          promised: this.#programs.slots[store.word],
          keeps: false,
        },
        words: makePromise(state, thread, store),
        view,
        node,
        events: 0,
      })),
    );
  }

  /** Passes accesses to the thread's own words from a node on. Returns where that ends, and the words then. */
  settle(node: number, base: readonly number[]): { readonly node: number; readonly base: readonly number[] } {
    const programs = this.#programs;
    let at = node;
    let now = base;
    for (let steps = 0; steps < LONGEST_PRIVATE; steps++) {
      const passed = programs.hasEvents.at(at) !== 0 ? undefined : this.#passOwn(at, now);
      if (passed === undefined || programs.edgeEvents.at(passed.edge) !== 0) break;
      now = passed.base;
      at = programs.edgeTarget.at(passed.edge);
    }
    return { node: at, base: now };
  }

  #choices(words: Words, view: HartView, node: number): LocalStep[] {
    const thread = this.#programs.threadOf.at(node);
    const found: LocalStep[] = [];
    for (let result = 0; result < this.#programs.a.at(node); result++) {
      const step = { thread, result, behind: 0, promised: -1, keeps: false };
      const one = this.#arrive(node, words, view, step);
      if (one !== undefined) found.push(one);
    }
    return found;
  }

  /** An access to a word of the thread's own that the specification hears of. */
  #ownAccess(words: Words, view: HartView, node: number): readonly LocalStep[] {
    const passed = this.#passOwn(node, words.base);
    if (passed === undefined) return NO_STEPS;
    const thread = this.#programs.threadOf.at(node);
    const step = { thread, result: passed.result, behind: 0, promised: -1, keeps: false };
    const one = this.#arrive(node, { ...words, base: passed.base }, view, step);
    return one === undefined ? NO_STEPS : [one];
  }

  #arrive(node: number, words: Words, view: HartView, step: WeakStep): LocalStep | undefined {
    const edge = this.#edge(node, step.result);
    const { node: target, base } = this.settle(this.#programs.edgeTarget.at(edge), words.base);
    const after = base === words.base ? words : { ...words, base };
    const seen = this.isFencedBefore(target) ? view.synchronized(words.messages.length) : view;
    if (!this.#keepsPromises(after, seen, target)) return undefined;
    return { step, words: after, view: seen, node: target, events: this.#programs.edgeEvents.at(edge) };
  }

  #keepsPromises(words: Words, view: HartView, node: number): boolean {
    const thread = this.#programs.threadOf.at(node);
    const state = this.#alone(words, view);
    if (owed(state, thread) === 0) return true;
    return this.#continuations(node, words.base).some((ahead) =>
      canKeep(state, thread, ahead, this.#foresight),
    );
  }

  /** The thread from a node on, past choices and what no other thread has a part in. */
  #continuations(node: number, base: readonly number[]): Continuation[] {
    const programs = this.#programs;
    const found: Continuation[] = [];
    // A thread can go round with choices and its own words for ever; each place of that is passed once.
    const passed = new Set<string>();
    const work = [{ node, base }];
    for (let one = work.pop(); one !== undefined; one = work.pop()) {
      const key = `${one.node} ${one.base.join()}`;
      if (passed.has(key)) continue;
      passed.add(key);
      const { node: at, base: now } = one;
      if (programs.kind.at(at) === Kind.CHOOSE) {
        for (let way = 0; way < programs.a.at(at); way++)
          work.push({ node: this.#after(at, way), base: now });
      } else if (programs.slot.at(at) < 0 || concernsSleepers(programs.kind.at(at) as Kind)) {
        // Accesses that concern sleepers are fully ordered, so nothing behind them is ahead of its turn.
        found.push({ access: undefined, after: () => [] });
      } else if (this.#isOwn(programs.slot.at(at))) {
        const own = this.#passOwn(at, now);
        if (own !== undefined) work.push({ node: programs.edgeTarget.at(own.edge), base: own.base });
      } else found.push(this.#continuation(at, now));
    }
    return found;
  }

  /** The thread before an access to a word that others use. */
  #continuation(node: number, base: readonly number[]): Continuation {
    const { kind, slot, a, b } = this.#programs;
    this.#noteReader(node);
    const access: WeakAccess = {
      kind: kind.at(node) as Kind,
      address: slot.at(node),
      a: a.at(node),
      b: b.at(node),
      ordering: this.#orderingAt(node),
    };
    return { access, after: (result) => this.#continuations(this.#after(node, result), base) };
  }

  /** Where a thread is after an operation has returned `result`. */
  #after(node: number, result: number): number {
    return this.#programs.edgeTarget.at(this.#edge(node, result));
  }

  /** The access to a word that no other thread uses, or whose value nobody reads; undefined if it is none, or waits. */
  #passOwn(
    node: number,
    base: readonly number[],
  ): { readonly edge: number; readonly result: number; readonly base: readonly number[] } | undefined {
    const programs = this.#programs;
    const slot = programs.slot.at(node);
    if (slot < 0 || !this.#isOwn(slot)) return undefined;
    const kind = programs.kind.at(node) as Kind;
    const [a, old] = [programs.a.at(node), base[slot]];
    if (!isEnabled(kind, old, a)) return undefined;
    const result = resultOf(kind, old, a);
    const edge = this.#edge(node, result);
    const isUnread = programs.memory.words[programs.slots[slot]].unread === true;
    const value = isUnread ? old : valueAfter(kind, old, a, programs.b.at(node));
    return { edge, result, base: value === old ? base : base.with(slot, value) };
  }

  /** Whether accesses to the word are the thread's own affair. They order nothing. */
  #isOwn(slot: number): boolean {
    const { ownerOfSlot, memory, slots } = this.#programs;
    return ownerOfSlot[slot] >= 0 || memory.words[slots[slot]].unread === true;
  }

  #edge(node: number, result: number): number {
    const edge = this.#programs.edge(node, result);
    if (this.#programs.layoutVersion !== this.#layout) throw new LayoutChanged();
    return edge;
  }

  #noteReader(node: number): void {
    const { slot, threadOf } = this.#programs;
    const reader = 1 << threadOf.at(node);
    const word = slot.at(node);
    if ((this.#readers[word] & reader) !== 0 || !this.isLoad(node)) return;
    this.#readers[word] |= reader;
    throw new LayoutChanged();
  }

  #orderingAt(node: number): Ordering {
    const { kind, slot, slots, a, memory, threads, threadOf } = this.#programs;
    this.#orderings[node] ??= this.#orderingOf({
      thread: threads[threadOf.at(node)].name,
      word: memory.words[slots[slot.at(node)]].name,
      kind: kind.at(node) as Kind,
      operand: a.at(node),
      within: this.#programs.functionOf(node),
    });
    return this.#orderings[node];
  }

  /** A state in which every thread has seen the same: what the others have seen does not matter here. */
  #alone({ base, messages }: Words, view: HartView): WeakState {
    return { base, messages, views: this.#programs.threads.map(() => view) };
  }
}

function newerThan(time: number, word: number, { messages }: Words): number {
  let newer = 0;
  for (let later = time; later < messages.length; later++) if (messages[later].location === word) newer++;
  return newer;
}

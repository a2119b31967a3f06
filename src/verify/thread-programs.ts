import { HarnessFault } from './fault.ts';
import { GrowingInts } from './growing-ints.ts';
import {
  concernsSleepers,
  isEnabled,
  Kind,
  type Operation,
  touchesMemory,
  valueAfter,
} from './operations.ts';
import type { PropertyId } from './property.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { SpecEvent } from './spec-event.ts';
import { describeOutcome, type StepOutcome, StepRunner, sameOutcome } from './step-runner.ts';
import type { Thread } from './thread.ts';

/** How many steps a thread may make without an access before it counts as endless. */
const LONGEST_SILENCE = 1000;
/** The longest loop, in accesses, that is recognised as waiting. */
const LONGEST_SPIN = 4;
/** How many more rounds a waiting loop must behave the same before it is taken for unbounded. */
const SPIN_ROUNDS = 3;

/** Bits of a word for the values of counts that a thread remembers, divided among the counts. */
const REMEMBERED_BITS = 32;
/** Values of counts are exchanged for this less the value when the code runs for the second time. */
const MIRROR = 1000;

/** Abilities of an engine. */
export interface EngineAbilities {
  /** It knows threads that sleep in `Atomics.wait`. Default false: code that sleeps is a fault then. */
  readonly sleepers?: boolean;
  /** Names of words that count as shared, also where one thread alone uses them. Default: none. */
  readonly shared?: readonly string[];
  /** It knows crowds: how many of the last threads stand for any number of their like. Default 0. */
  readonly crowds?: number;
}

/** A node's place: the step that it is in and the results so far. */
interface Origin {
  readonly thread: number;
  readonly state: string;
  readonly carried: readonly SpecEvent[];
  readonly parent: number;
  readonly result: number;
}

/**
 * The threads of a scenario as finite graphs, discovered on demand: a node is "this thread, in this step, with these
 * results so far, about to do this operation", an edge leads on with the result of that operation. Production code runs
 * once for each node (twice, to catch code that is not deterministic), however many states meet there.
 *
 * Engines for other memory models share this class: it knows nothing of how results come about.
 */
export class ThreadPrograms {
  readonly threads: readonly Thread[];
  readonly memory: SharedMemory;
  /** Numbers of the threads that stand for any number of their like. */
  readonly crowds: readonly number[];
  /** By node: kind of the pending operation, its compact word number (-1 if none), operands, thread. */
  readonly kind = new GrowingInts();
  readonly slot = new GrowingInts();
  readonly a = new GrowingInts();
  readonly b = new GrowingInts();
  readonly threadOf = new GrowingInts();
  /** By node: 1 when events of the specification happen together with its operation. */
  readonly hasEvents = new GrowingInts();
  /** By node: values of counts that the thread has read in its step, see {@link countBit}. */
  readonly remembers = new GrowingInts();
  /** Whether a thread sleeps, or wakes sleepers, as far as is known. */
  hasSleepers = false;
  /** By node: first edge, -1 if none. By edge: next edge of the same node, result, target node, event list. */
  readonly firstEdge = new GrowingInts();
  readonly nextEdge = new GrowingInts();
  readonly edgeResult = new GrowingInts();
  readonly edgeTarget = new GrowingInts();
  /** Index into {@link eventLists}; 0 is the empty list. */
  readonly edgeEvents = new GrowingInts();
  readonly eventLists: SpecEvent[][] = [[]];
  readonly starts: readonly number[];
  /** Addresses of the words in use, by slot. */
  readonly slots: number[] = [];
  /** By slot: the one thread that uses the word, or -1 when several do. */
  readonly ownerOfSlot: number[] = [];
  /** Changes when {@link slots} or {@link ownerOfSlot} do: what was explored before must be explored again. */
  layoutVersion = 0;
  /** How many times a step of a thread was run. */
  runs = 0;
  /** Loops of accesses that wait for another thread, described for the report. */
  readonly spins = new Set<string>();

  readonly #sleepers: boolean;
  readonly #shared: readonly string[];
  /** Addresses of the counts. */
  readonly #counts: readonly number[];
  readonly #runner: StepRunner;
  readonly #origins: Origin[] = [];
  readonly #outcomes: StepOutcome[] = [];
  readonly #startOf = new Map<string, { readonly node: number; readonly now: readonly SpecEvent[] }>();
  readonly #listOf = new Map<string, number>([['[]', 0]]);
  readonly #slotOf = new Map<number, number>();

  constructor(
    threads: readonly Thread[],
    memory: SharedMemory,
    { sleepers = false, shared = [], crowds = 0 }: EngineAbilities = {},
  ) {
    this.threads = threads;
    this.crowds = [...threads.keys()].slice(threads.length - crowds);
    this.memory = memory;
    this.#sleepers = sleepers;
    this.#shared = shared;
    this.#counts = memory.words.flatMap(({ isCount }, address) => (isCount ? [address] : []));
    this.#runner = new StepRunner(memory);
    this.starts = threads.map((thread, index) => this.#start(index, JSON.stringify(thread.initial), []).node);
  }

  /** The edge of `node` for `result`; discovers it when it is new. */
  edge(node: number, result: number): number {
    for (let edge = this.firstEdge.at(node); edge >= 0; edge = this.nextEdge.at(edge)) {
      if (this.edgeResult.at(edge) === result) return edge;
    }
    return this.#extend(node, result);
  }

  /** How many values a count can have at a time: more than all threads together ever remember. */
  get countValues(): number {
    return Math.floor(REMEMBERED_BITS / Math.max(2, this.#counts.length));
  }

  /** The bit of {@link remembers} for a value of the count at an address. */
  countBit(address: number, value: number): number {
    return 1 << (this.#counts.indexOf(address) * this.countValues + value);
  }

  /** The state, as JSON, in which the step of this node began. */
  stateOf(node: number): string {
    return this.#origins[node].state;
  }

  /** The failure at a node of kind `FAIL`. */
  failureOf(node: number): { readonly property: PropertyId; readonly message: string } | undefined {
    return this.#outcomes[node].failure;
  }

  /** The function of the protocol that does the pending operation of this node, where that is recorded. */
  functionOf(node: number): string | undefined {
    return this.#outcomes[node].operation?.within;
  }

  /** Events that happen before the pending operation of this node. */
  eventsBefore(node: number): readonly SpecEvent[] {
    return this.#outcomes[node].before;
  }

  #extend(node: number, result: number): number {
    const origin = this.#origins[node];
    const results = this.#resultsOf(node);
    results.push(result);
    const mirrored = this.#mirrored(node, result);
    const outcome = this.#run(origin.thread, origin.state, results, origin.carried, mirrored);
    const events = [...this.#outcomes[node].before, ...outcome.after];
    let target: number;
    if (outcome.operation === undefined) {
      target = this.#afterStep(origin.thread, outcome, events);
    } else {
      target =
        this.#spinTarget(node, result, outcome) ??
        this.#add(outcome, {
          thread: origin.thread,
          state: origin.state,
          carried: origin.carried,
          parent: node,
          result,
        });
    }
    const edge = this.edgeTarget.length;
    this.edgeResult.push(result);
    this.edgeTarget.push(target);
    this.edgeEvents.push(this.#internEvents(events));
    this.nextEdge.push(this.firstEdge.at(node));
    this.firstEdge.set(node, edge);
    return edge;
  }

  #afterStep(thread: number, outcome: StepOutcome, events: SpecEvent[]): number {
    if (outcome.next === null) {
      events.push(...outcome.before);
      return this.#end(thread, outcome);
    }
    const { node, now } = this.#start(thread, outcome.next, outcome.before);
    events.push(...now);
    return node;
  }

  /** Follows steps without an access until there is one. `now` are events that belong to the access before. */
  #start(
    thread: number,
    first: string,
    carriedFirst: readonly SpecEvent[],
  ): { node: number; now: SpecEvent[] } {
    let state = first;
    let carried = carriedFirst;
    const now: SpecEvent[] = [];
    const passed: { key: string; events: number }[] = [];
    const arrive = (node: number) => {
      for (const { key, events } of passed) this.#startOf.set(key, { node, now: now.slice(events) });
      return { node, now };
    };
    for (let silent = 0; silent < LONGEST_SILENCE; silent++) {
      const key = `${thread} ${state} ${JSON.stringify(carried)}`;
      const known = this.#startOf.get(key);
      if (known !== undefined) {
        now.push(...known.now);
        return arrive(known.node);
      }
      passed.push({ key, events: now.length });
      const outcome = this.#run(thread, state, [], carried);
      now.push(...outcome.after);
      if (outcome.operation !== undefined) {
        return arrive(this.#add(outcome, { thread, state, carried, parent: -1, result: 0 }));
      }
      if (outcome.next === null) {
        now.push(...outcome.before);
        return arrive(this.#end(thread, outcome, state));
      }
      state = outcome.next;
      carried = outcome.before;
    }
    throw new HarnessFault(
      'endless-step',
      `${this.threads[thread].name} goes on for ${LONGEST_SILENCE} steps without an access to a shared word`,
    );
  }

  #end(thread: number, outcome: StepOutcome, state = 'null'): number {
    const key = `${thread} ended`;
    const known = this.#startOf.get(key);
    if (known !== undefined) return known.node;
    const operation = { kind: Kind.END, address: -1, a: 0, b: 0 };
    const node = this.#add(
      { ...outcome, operation, before: [], after: [] },
      { thread, state, carried: [], parent: -1, result: 0 },
    );
    this.#startOf.set(key, { node, now: [] });
    return node;
  }

  #run(
    thread: number,
    state: string,
    results: readonly number[],
    carried: readonly SpecEvent[],
    mirrored = results,
  ): StepOutcome {
    const of = this.threads[thread];
    this.runs += 2;
    const outcome = this.#runner.run(of, state, results, carried);
    let again = this.#mirrorBack(this.#runner.run(of, state, mirrored, carried), mirrored !== results);
    if (sameOutcome(outcome, again)) return outcome;
    if (mirrored !== results) again = this.#runner.run(of, state, results, carried);
    if (sameOutcome(outcome, again)) {
      const names = this.#counts.map((address) => this.memory.words[address].name);
      throw new HarnessFault(
        'unsupported-access',
        `${of.name} does more with a count (${names.join(', ')}) than to compare it with what it was earlier in the same step`,
      );
    } else {
      const [one, other] = [outcome, again].map((each) => describeOutcome(each, this.memory));
      throw new HarnessFault(
        'non-determinism',
        `${of.name} does not do the same twice: first ${one}, then ${other}`,
      );
    }
  }

  /** The results on the way to an edge, with other numbers for the values of counts; in reverse order of size, too. */
  #mirrored(node: number, result: number): number[] | undefined {
    if (this.#counts.length === 0) return undefined;
    const mirrored: number[] = [];
    let hasCounts = false;
    for (let at = node, of = result; at >= 0; of = this.#origins[at].result, at = this.#origins[at].parent) {
      const isValue = this.kind.at(at) === Kind.LOAD && this.#isCount(this.slots[this.slot.at(at)]);
      hasCounts ||= isValue;
      mirrored.push(isValue ? MIRROR - of : of);
    }
    return hasCounts ? mirrored.reverse() : undefined;
  }

  #mirrorBack(outcome: StepOutcome, isMirrored: boolean): StepOutcome {
    const { operation } = outcome;
    if (!isMirrored || operation === undefined || !this.#isCount(operation.address)) return outcome;
    const compares = operation.kind === Kind.WAIT || operation.kind === Kind.ASLEEP;
    return compares ? { ...outcome, operation: { ...operation, a: MIRROR - operation.a } } : outcome;
  }

  #isCount(address: number): boolean {
    return this.#counts.includes(address);
  }

  #add(outcome: StepOutcome, origin: Origin): number {
    const node = this.kind.length;
    const operation = outcome.operation as Operation;
    if (concernsSleepers(operation.kind)) this.#noteSleepers(operation, origin.thread);
    this.#origins.push(origin);
    this.#outcomes.push(outcome);
    this.kind.push(operation.kind);
    this.slot.push(touchesMemory(operation.kind) ? this.#slot(operation.address, origin.thread) : -1);
    this.a.push(operation.a);
    this.b.push(operation.b);
    this.threadOf.push(origin.thread);
    this.hasEvents.push(outcome.before.length > 0 ? 1 : 0);
    this.remembers.push(this.#rememberedAt(origin));
    this.firstEdge.push(-1);
    return node;
  }

  #noteSleepers({ address }: Operation, thread: number): void {
    const { name } = this.memory.words[address];
    if (!this.#sleepers) {
      throw new HarnessFault(
        'unsupported-access',
        `${this.threads[thread].name} sleeps on ${name}, or wakes who sleeps there, which this kind of search has no model for`,
      );
    }
    // The order of turns matters here, whichever thread uses the word besides.
    const slot = this.#slot(address, thread);
    if (this.hasSleepers && this.ownerOfSlot[slot] < 0) return;
    this.ownerOfSlot[slot] = -1;
    this.hasSleepers = true;
    this.layoutVersion++;
  }

  #rememberedAt({ parent, result }: Origin): number {
    if (parent < 0) return 0;
    const address = this.kind.at(parent) === Kind.LOAD ? this.slots[this.slot.at(parent)] : -1;
    const read = this.#isCount(address) ? this.countBit(address, result) : 0;
    return this.remembers.at(parent) | read;
  }

  #slot(address: number, thread: number): number {
    const known = this.#slotOf.get(address);
    if (known === undefined) {
      this.#slotOf.set(address, this.slots.length);
      this.slots.push(address);
      this.ownerOfSlot.push(this.#shared.includes(this.memory.words[address].name) ? -1 : thread);
      this.layoutVersion++;
      return this.slots.length - 1;
    }
    if (this.ownerOfSlot[known] !== thread && this.ownerOfSlot[known] >= 0) {
      this.ownerOfSlot[known] = -1;
      this.layoutVersion++;
    }
    return known;
  }

  #internEvents(events: readonly SpecEvent[]): number {
    const text = JSON.stringify(events);
    let list = this.#listOf.get(text);
    if (list === undefined) {
      list = this.eventLists.length;
      this.eventLists.push([...events]);
      this.#listOf.set(text, list);
    }
    return list;
  }

  #resultsOf(node: number): number[] {
    const results: number[] = [];
    for (let at = node; this.#origins[at].parent >= 0; at = this.#origins[at].parent) {
      results.push(this.#origins[at].result);
    }
    return results.reverse();
  }

  /**
   * Recognises a loop that waits for another thread, as in a spinlock: the same accesses with the same results twice
   * in a row, none of which changed a word. The second round leads back to where it began, so that the loop is a
   * cycle of the graph and no bound is needed. That the code does not count its rounds is tested for a few more.
   */
  #spinTarget(node: number, result: number, outcome: StepOutcome): number | undefined {
    if (outcome.after.length > 0 || outcome.before.length > 0) return undefined;
    const path = this.#pathTo(node, result);
    for (let period = 1; period <= LONGEST_SPIN && period * 2 <= path.length; period++) {
      const round = path.slice(-period);
      const earlier = path.slice(-2 * period, -period);
      if (!round.every((step, index) => this.#sameQuietAccess(step, earlier[index]))) continue;
      const target = round[0].node;
      if (!this.#keepsSpinning(node, result, round, target)) return undefined;
      this.spins.add(this.memory.words[this.slots[this.slot.at(target)]].name);
      return target;
    }
    return undefined;
  }

  #pathTo(node: number, result: number): { node: number; result: number }[] {
    const path = [{ node, result }];
    for (let at = node; this.#origins[at].parent >= 0; at = this.#origins[at].parent) {
      path.push({ node: this.#origins[at].parent, result: this.#origins[at].result });
      if (path.length === 2 * LONGEST_SPIN) break;
    }
    return path.reverse();
  }

  #sameQuietAccess(one: { node: number; result: number }, other: { node: number; result: number }): boolean {
    const kind = this.kind.at(one.node) as Kind;
    return (
      touchesMemory(kind) &&
      one.result === other.result &&
      kind === this.kind.at(other.node) &&
      this.slot.at(one.node) === this.slot.at(other.node) &&
      this.a.at(one.node) === this.a.at(other.node) &&
      this.b.at(one.node) === this.b.at(other.node) &&
      this.hasEvents.at(one.node) === 0 &&
      kind !== Kind.STORE &&
      (kind === Kind.ASLEEP || isEnabled(kind, one.result, this.a.at(one.node))) &&
      valueAfter(kind, one.result, this.a.at(one.node), this.b.at(one.node)) === one.result
    );
  }

  #keepsSpinning(
    node: number,
    result: number,
    round: readonly { node: number; result: number }[],
    target: number,
  ): boolean {
    const { thread, state, carried } = this.#origins[node];
    const results = [...this.#resultsOf(node), result];
    for (let more = 0; more < SPIN_ROUNDS * round.length; more++) {
      const outcome = this.#run(thread, state, results, carried);
      const expected = round[more % round.length].node;
      const operation = outcome.operation;
      if (
        operation === undefined ||
        operation.kind !== this.kind.at(expected) ||
        operation.a !== this.a.at(expected) ||
        operation.b !== this.b.at(expected) ||
        operation.address !== this.slots[this.slot.at(expected)]
      ) {
        return false;
      }
      results.push(round[more % round.length].result);
    }
    return target >= 0;
  }
}

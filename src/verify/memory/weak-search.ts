/**
 * Explores a scenario with its words under RVWMO instead of sequential consistency. The same threads, monitor and
 * judgement of rest as `explorer.ts`; slower by an order of magnitude, because a state carries what each thread has
 * seen.
 *
 * A store overtakes earlier accesses of its thread by being promised. That is looked for `horizon` accesses ahead, one
 * store of a thread at a time; with a horizon of 0, stores take effect in program order.
 */
import type { Bounds, Problem } from '../explorer.ts';
import { Kind, resultOf } from '../operations.ts';
import type { SpecViolation } from '../spec-event.ts';
import type { ThreadPrograms } from '../thread-programs.ts';
import { VCPU_NAME } from '../world/vcpu.ts';
import { Slot } from './hart-view.ts';
import type { Ordering } from './orderings.ts';
import { type Continuation, canKeep, makePromise, owes, promisableStores } from './promises.ts';
import { canonical, decodeState, encodeState } from './weak-encoding.ts';
import { finalWords, initialState, outcomes, type WeakState } from './weak-memory.ts';

/** An access of a thread, for choosing its ordering. */
export interface AccessSite {
  /** Name of the thread. */
  readonly thread: string;
  /** Name of the word. */
  readonly word: string;
  readonly kind: Kind;
  /** The operand: for `or` the bits that are set, for `and` those that stay. */
  readonly operand: number;
  /** The function of the protocol that makes it; undefined for accesses that are not the protocol's. */
  readonly within?: string | undefined;
}

/** What an access is in the C code on RISC-V. */
export type OrderingOf = (site: AccessSite) => Ordering;

export type WeakBounds = Pick<Bounds, 'maxStates' | 'maxTime'> & {
  /** How many accesses ahead of its thread a store may take effect. */
  readonly horizon: number;
  /** Judge by the values that threads see and leave, not by the order of their calls: of P6 and P7. Default false. */
  readonly valuesOnly?: boolean;
};

/** A step of a counterexample: the thread, what its access returned, and the choice among the outcomes. */
export interface WeakStep {
  readonly thread: number;
  readonly result: number;
  /** How many stores to the word were newer than what a load read: 0 under sequential consistency. -1: a promise. */
  readonly behind: number;
}

export interface WeakSearchResult {
  readonly found: (SpecViolation & { readonly path: readonly WeakStep[] }) | undefined;
  /** Which bound ended the search. */
  readonly bounded: string | undefined;
  readonly states: number;
  readonly transitions: number;
  readonly restStates: number;
}

/** Thrown when a word, or a reader of one, turns up that was not known. */
class LayoutChanged extends Error {}

/** Finds the shortest violation, or explores everything. */
export function exploreWeakly(
  problem: Problem,
  orderingOf: OrderingOf,
  bounds: WeakBounds,
  now: () => number,
): WeakSearchResult {
  const readers: number[] = [];
  const started = now();
  for (;;) {
    try {
      return new WeakSearch(problem, orderingOf, readers, bounds, now).run(started);
    } catch (error) {
      if (!(error instanceof LayoutChanged)) throw error;
    }
  }
}

interface Place {
  /** Canonical words and views, see {@link encodeState}. */
  readonly memory: Int32Array;
  /** By thread, the node it is at. */
  readonly nodes: readonly number[];
  readonly spec: number;
  readonly parent: number;
  readonly step: WeakStep;
}

class WeakSearch {
  readonly #problem: Problem;
  readonly #programs: ThreadPrograms;
  readonly #orderingOf: OrderingOf;
  /** By slot: the threads that load the word. Grows from one attempt to the next. */
  readonly #readers: number[];
  readonly #bounds: WeakBounds;
  readonly #now: () => number;
  readonly #layout: number;
  readonly #words: number;
  readonly #threads: number;
  readonly #orderings: Ordering[] = [];
  readonly #places: Place[] = [];
  readonly #known = new Map<string, number>();
  readonly #successors: number[][] = [];
  readonly #rest: number[] = [];
  #transitions = 0;
  #found: { readonly violation: SpecViolation; readonly parent: number; readonly step: WeakStep } | undefined;

  constructor(
    problem: Problem,
    orderingOf: OrderingOf,
    readers: number[],
    bounds: WeakBounds,
    now: () => number,
  ) {
    this.#problem = problem;
    this.#programs = problem.programs;
    this.#orderingOf = orderingOf;
    this.#readers = readers;
    this.#bounds = bounds;
    this.#now = now;
    this.#layout = problem.programs.layoutVersion;
    this.#words = problem.programs.slots.length;
    this.#threads = problem.programs.threads.length;
    while (readers.length < this.#words) readers.push(0);
  }

  run(started: number): WeakSearchResult {
    const { memory, slots, starts } = this.#programs;
    const words = slots.map((address) => memory.initial[address]);
    const nothing: WeakStep = { thread: -1, result: 0, behind: 0 };
    this.#insert(initialState(this.#threads, words), starts, this.#problem.monitor.initial, -1, nothing);
    let bounded: string | undefined;
    for (let at = 0; at < this.#places.length && this.#found === undefined; at++) {
      this.#successors.push([]);
      this.#expand(at);
      if (this.#places.length >= this.#bounds.maxStates) {
        bounded = `the limit of ${this.#bounds.maxStates} states was reached`;
      } else if (this.#now() - started >= this.#bounds.maxTime) {
        bounded = `the time limit of ${this.#bounds.maxTime} ms was reached`;
      }
      if (bounded !== undefined) break;
    }
    if (bounded === undefined && this.#found === undefined) this.#checkRest();
    return {
      found: this.#found && {
        ...this.#found.violation,
        path: this.#pathTo(this.#found.parent, this.#found.step),
      },
      bounded,
      states: this.#places.length,
      transitions: this.#transitions,
      restStates: this.#rest.length,
    };
  }

  #expand(at: number): void {
    const { kind, a } = this.#programs;
    const place = this.#places[at];
    const state = decodeState(place.memory, this.#threads, this.#words);
    const chooser = place.nodes.findIndex((node) => kind.at(node) === Kind.CHOOSE);
    if (chooser >= 0) {
      for (let way = 0; way < a.at(place.nodes[chooser]); way++) {
        this.#advance(at, state, { thread: chooser, result: way, behind: 0 });
      }
      return;
    }
    let moved = false;
    for (const [thread, node] of place.nodes.entries()) {
      if (kind.at(node) === Kind.FAIL) {
        const violation = this.#programs.failureOf(node);
        if (violation !== undefined) this.#report(violation, place.parent, place.step);
        return;
      }
      if (this.#programs.slot.at(node) >= 0 && this.#access(at, state, thread, node)) moved = true;
    }
    if (!moved) this.#judgeRest(at, state);
    else this.#promise(at, state);
  }

  /** Every store that a thread may make ahead of its turn. */
  #promise(at: number, state: WeakState): void {
    const { horizon } = this.#bounds;
    if (horizon === 0) return;
    const { nodes, spec } = this.#places[at];
    for (const [thread, node] of nodes.entries()) {
      if (owes(state, thread)) continue;
      for (const ahead of this.#continuations(node, thread)) {
        for (const store of promisableStores(state, thread, ahead, horizon)) {
          this.#transitions++;
          const promised = makePromise(state, thread, store);
          const step = { thread, result: store.value, behind: -1 };
          this.#successors[at].push(this.#insert(promised, nodes, spec, at, step));
        }
      }
    }
  }

  /** The thread from a node on, past choices and counters that nobody reads. */
  #continuations(node: number, thread: number): Continuation[] {
    const programs = this.#programs;
    const kind = programs.kind.at(node) as Kind;
    const follow = (result: number): Continuation[] => {
      const target = programs.edgeTarget.at(programs.edge(node, result));
      if (programs.layoutVersion !== this.#layout) throw new LayoutChanged();
      return this.#continuations(target, thread);
    };
    if (kind === Kind.CHOOSE) {
      return Array.from({ length: programs.a.at(node) }, (_, way) => follow(way)).flat();
    }
    const address = programs.slot.at(node);
    if (address < 0) return [{ access: undefined, after: () => [] }];
    const [a, b] = [programs.a.at(node), programs.b.at(node)];
    if (programs.memory.words[programs.slots[address]].unread) return follow(resultOf(kind, 0, a));
    this.#noteReader(kind, address, thread);
    return [{ access: { kind, address, a, b, ordering: this.#orderingAt(node, thread) }, after: follow }];
  }

  /** Every outcome of a thread's access. @returns whether there is one. */
  #access(at: number, state: WeakState, thread: number, node: number): boolean {
    const programs = this.#programs;
    const [kind, address] = [programs.kind.at(node) as Kind, programs.slot.at(node)];
    const [a, b] = [programs.a.at(node), programs.b.at(node)];
    if (programs.memory.words[programs.slots[address]].unread) {
      this.#advance(at, state, { thread, result: resultOf(kind, 0, a), behind: 0 });
      return true;
    }
    this.#noteReader(kind, address, thread);
    const ordering = this.#orderingAt(node, thread);
    const found = outcomes(state, thread, { kind, address, a, b, ordering });
    for (const { result, readFrom, state: next } of found) {
      const newer = (one: { location: number }, time: number) =>
        one.location === address && time + 1 > readFrom;
      const behind = readFrom < 0 ? 0 : state.messages.filter(newer).length;
      this.#advance(at, next, { thread, result, behind });
    }
    return found.length > 0;
  }

  #noteReader(kind: Kind, slot: number, thread: number): void {
    const isLoad = kind === Kind.LOAD || kind === Kind.AWAIT_EQUAL || kind === Kind.AWAIT_DIFFERENT;
    if ((!isLoad && kind !== Kind.COMPARE_EXCHANGE) || (this.#readers[slot] >> thread) & 1) return;
    this.#readers[slot] |= 1 << thread;
    throw new LayoutChanged();
  }

  #orderingAt(node: number, thread: number): Ordering {
    const { kind, slot, slots, a, memory, threads } = this.#programs;
    this.#orderings[node] ??= this.#orderingOf({
      thread: threads[thread].name,
      word: memory.words[slots[slot.at(node)]].name,
      kind: kind.at(node) as Kind,
      operand: a.at(node),
      within: this.#programs.functionOf(node),
    });
    return this.#orderings[node];
  }

  /** Leads the thread on with the result of its operation. */
  #advance(at: number, memory: WeakState, step: WeakStep): void {
    const programs = this.#programs;
    const { nodes, spec } = this.#places[at];
    this.#transitions++;
    const edge = programs.edge(nodes[step.thread], step.result);
    if (programs.layoutVersion !== this.#layout) throw new LayoutChanged();
    const target = programs.edgeTarget.at(edge);
    if (!this.#keepsPromises(memory, target, step.thread)) return;
    let after = spec;
    const events = this.#bounds.valuesOnly ? [] : programs.eventLists[programs.edgeEvents.at(edge)];
    for (const event of events) {
      const next = this.#problem.monitor.next(after, event);
      if (typeof next !== 'number') {
        this.#report(next, at, step);
        return;
      }
      after = next;
    }
    after = this.#lookedAt(after, memory, step.thread);
    const reached = nodes.map((node, thread) => (thread === step.thread ? target : node));
    this.#successors[at].push(this.#insert(memory, reached, after, at, step));
  }

  /** The specification, told when whatever the vCPU's thread reads from now on is not older than now. */
  #lookedAt(spec: number, { views, messages }: WeakState, thread: number): number {
    if (this.#bounds.valuesOnly || this.#programs.threads[thread].name !== VCPU_NAME) return spec;
    if (views[thread].slots[Slot.READ_NEW] < messages.length) return spec;
    const looked = this.#problem.monitor.next(spec, { is: 'look' });
    return typeof looked === 'number' ? looked : spec;
  }

  #keepsPromises(memory: WeakState, node: number, thread: number): boolean {
    if (!owes(memory, thread)) return true;
    const { horizon } = this.#bounds;
    return this.#continuations(node, thread).some((ahead) => canKeep(memory, thread, ahead, horizon));
  }

  #insert(state: WeakState, nodes: readonly number[], spec: number, parent: number, step: WeakStep): number {
    const memory = encodeState(canonical(this.#withoutEnded(state, nodes), this.#readers));
    const key = `${memory.join()} ${nodes.join()} ${spec}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, this.#places.length);
    this.#places.push({ memory, nodes, spec, parent, step });
    return this.#places.length - 1;
  }

  /** What an ended thread has seen does not matter: it is made to have seen everything, which keeps nothing alive. */
  #withoutEnded(state: WeakState, nodes: readonly number[]): WeakState {
    const ended = nodes.map((node) => this.#programs.kind.at(node) === Kind.END);
    if (!ended.includes(true)) return state;
    const views = state.views.map((view, thread) => (ended[thread] ? view.upToDate(state.messages) : view));
    return { ...state, views };
  }

  #judgeRest(at: number, state: WeakState): void {
    const { kind, slots, memory } = this.#programs;
    const { nodes, spec, parent, step } = this.#places[at];
    const contents = [...memory.initial];
    for (const [slot, value] of finalWords(state).entries()) contents[slots[slot]] = value;
    const states = nodes.map((node) =>
      kind.at(node) === Kind.END ? undefined : this.#programs.stateOf(node),
    );
    const violation = this.#problem.atRest({ states, spec, contents });
    if (violation !== undefined) this.#report(violation, parent, step);
    else this.#rest.push(at);
  }

  /** Rest must be reachable from everywhere. */
  #checkRest(): void {
    if (!this.#problem.mustRest) return;
    const sources: number[][] = this.#places.map(() => []);
    for (const [from, targets] of this.#successors.entries())
      for (const to of targets) sources[to].push(from);
    const calm = new Uint8Array(this.#places.length);
    const work = [...this.#rest];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      if (calm[at] === 1) continue;
      calm[at] = 1;
      work.push(...sources[at]);
    }
    const restless = calm.indexOf(0);
    if (restless < 0) return;
    const { parent, step } = this.#places[restless];
    this.#report(
      { property: 'P5', message: 'from here on no order of events brings the vCPU to rest' },
      parent,
      step,
    );
  }

  #report(violation: SpecViolation, parent: number, step: WeakStep): void {
    this.#found ??= { violation, parent, step };
  }

  #pathTo(parent: number, last: WeakStep): WeakStep[] {
    const path = [last];
    for (let at = parent; at > 0; at = this.#places[at].parent) path.push(this.#places[at].step);
    return path.reverse();
  }
}

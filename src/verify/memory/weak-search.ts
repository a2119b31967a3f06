/**
 * Explores a scenario with its words under RVWMO instead of sequential consistency. The same threads, monitor and
 * judgement of rest as `explorer.ts`; slower, because a state carries what each thread has seen.
 *
 * A store overtakes earlier accesses of its thread by being promised. That is looked for `horizon` accesses ahead; with
 * a horizon of 0, stores take effect in program order.
 *
 * Words that one thread alone uses are its variables: they order nothing, and the thread passes them on its way. Full
 * fences let nothing old through: they happen at one moment (`weak-memory.ts`), and what a thread cannot read before
 * its next one is forgotten (`loads-left.ts`).
 */
import type { Bounds, Problem } from '../explorer.ts';
import { GrowingInts } from '../growing-ints.ts';
import { Kind } from '../operations.ts';
import { withoutCounts } from '../shared-memory.ts';
import type { SpecEvent, SpecViolation } from '../spec-event.ts';
import type { ThreadPrograms } from '../thread-programs.ts';
import { TransitionLog } from '../transition-log.ts';
import { VCPU_NAME } from '../world/vcpu.ts';
import type { HartView } from './hart-view.ts';
import { IntLists } from './int-lists.ts';
import { LoadsLeft } from './loads-left.ts';
import type { Foresight } from './promises.ts';
import type { OrderingOf } from './weak-access.ts';
import { canonical, encodeView, encodeWords, seesAll } from './weak-encoding.ts';
import { finalWords, initialState, type WeakState } from './weak-memory.ts';
import { isTimeout } from './weak-sleepers.ts';
import { LayoutChanged, type LocalStep, ThreadSteps, type WeakStep, type Words } from './weak-steps.ts';

export type { AccessSite, OrderingOf } from './weak-access.ts';
export type { WeakStep } from './weak-steps.ts';

export type WeakBounds = Pick<Bounds, 'maxStates' | 'maxTime'> & {
  /** How many accesses ahead of its thread a store may take effect. */
  readonly horizon: number;
  /** How many stores of a thread may be ahead of their turn at once. */
  readonly atOnce: number;
  /** Judge by the values that threads see and leave, not by the order of their calls: of P6 and P7. Default false. */
  readonly valuesOnly?: boolean;
  /** Names of words that count as shared, because of the barriers at their accesses. Default: none. */
  readonly shared?: readonly string[];
};

/** The findings of a search about the words. */
export interface WordUse {
  /** By address: the one thread that uses the word, -1 when several do. */
  readonly owners: ReadonlyMap<number, number>;
  /** By address: the mask of the threads that may load it. */
  readonly readers: ReadonlyMap<number, number>;
}

export interface WeakSearchResult {
  readonly found:
    | (SpecViolation & {
        readonly path: readonly WeakStep[];
        readonly use: WordUse;
      })
    | undefined;
  /** Which bound ended the search. */
  readonly bounded: string | undefined;
  /** There may be stores ahead of their turn that the bounds for them have left out. */
  readonly isCut: boolean;
  readonly states: number;
  readonly transitions: number;
  readonly restStates: number;
}

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

/** Masks have a bit for each word. */
const MOST_WORDS = 32;
/** After so many states, and then so many times as many, a search begins anew if more is known about the threads. */
const FIRST_REFRESH = 500;
const REFRESH_FACTOR = 4;

/** Stands for a list of events: the one by which the specification learns that the vCPU is up to date. */
const LOOK = -1;

/** The value of a count that has just been added to, until it has one by which threads tell it from others. */
const UNNAMED = -0x7fff_ffff;

const NO_STEP: WeakStep = { thread: -1, result: 0, behind: 0, promised: -1, keeps: false };

/** The thread that chooses is the only one that moves. */
interface Successors {
  readonly accesses: readonly LocalStep[];
  /** Undefined until they are asked for. */
  promises?: readonly LocalStep[];
}

interface FoundStep {
  readonly violation: SpecViolation;
  readonly parent: number;
  readonly step: WeakStep;
}

/** The stores, the last of which is an addition to a count. */
function counted(messages: Words['messages']): Words['messages'] {
  return messages.with(-1, { ...messages[messages.length - 1], value: UNNAMED });
}

class WeakSearch {
  readonly #problem: Problem;
  readonly #programs: ThreadPrograms;
  readonly #steps: ThreadSteps;
  readonly #foresight: Foresight;
  readonly #loadsLeft: LoadsLeft;
  /** By word: the threads that load it. */
  readonly #readers: readonly number[];
  readonly #futures: { readonly words: number[]; readonly loads: number[]; readonly watched: number[] };
  readonly #bounds: WeakBounds;
  readonly #now: () => number;
  readonly #threads: number;
  /** Canonical words, views, and states of these with the threads' nodes and the specification, by number. */
  readonly #wordLists = new IntLists();
  readonly #words: Words[] = [];
  readonly #viewLists = new IntLists();
  readonly #views: HartView[] = [];
  readonly #places = new IntLists();
  /** Words, view and node of a thread, with what it can do. */
  readonly #localLists = new IntLists();
  readonly #locals: Successors[] = [];
  /** By place: the one that it was reached from first, and by which step. */
  readonly #parents = new GrowingInts();
  readonly #reachedBy: WeakStep[] = [];
  /** By list of events + 1, and by state of the specification before: the one after. */
  readonly #afterEvents: (number | SpecViolation)[][] = [];
  /** By thread: the lists of events by which the specification learns of stores ahead of their turn. */
  readonly #aheadLists: number[] = [];
  readonly #keptLists: number[] = [];
  readonly #log: TransitionLog | undefined;
  readonly #rest: number[] = [];
  /** A bound of the search's own that was passed, in words: of values of a count, or of words. */
  #tooMany: string | undefined;
  #transitions = 0;
  #found: FoundStep | undefined;
  /** The first finding that cannot be judged, see {@link #isJudged}. */
  #unjudged: FoundStep | undefined;

  constructor(
    problem: Problem,
    orderingOf: OrderingOf,
    readers: number[],
    bounds: WeakBounds,
    now: () => number,
  ) {
    this.#problem = problem;
    this.#programs = problem.programs;
    this.#foresight = { horizon: bounds.horizon, atOnce: bounds.atOnce, isCut: false };
    this.#steps = new ThreadSteps(problem.programs, orderingOf, readers, this.#foresight);
    this.#readers = readers;
    this.#loadsLeft = new LoadsLeft(problem.programs, {
      isLoad: (node) => this.#steps.isLoad(node),
      isFencedBefore: (node) => this.#steps.isFencedBefore(node),
      isFencedBehind: (node) => this.#steps.isFencedBehind(node),
      wordsOf: (thread) => this.#wordsOf(thread),
    });
    this.#bounds = bounds;
    this.#now = now;
    this.#threads = problem.programs.threads.length;
    this.#futures = { words: [], loads: [], watched: [] };
    this.#log = problem.mustRest ? new TransitionLog() : undefined;
  }

  run(started: number): WeakSearchResult {
    this.#begin();
    let bounded: string | undefined;
    let refresh = FIRST_REFRESH;
    for (let at = 0; at < this.#places.count && this.#found === undefined; at++) {
      this.#expand(at);
      this.#log?.endState();
      if (at === refresh) {
        if (this.#loadsLeft.isOld) throw new LayoutChanged();
        refresh *= REFRESH_FACTOR;
      }
      if (this.#tooMany !== undefined) {
        bounded = this.#tooMany;
      } else if (this.#places.count >= this.#bounds.maxStates) {
        bounded = `the limit of ${this.#bounds.maxStates} states was reached`;
      } else if (this.#now() - started >= this.#bounds.maxTime) {
        bounded = `the time limit of ${this.#bounds.maxTime} ms was reached`;
      }
      if (bounded !== undefined) break;
    }
    if (bounded === undefined && this.#found === undefined) {
      if (this.#loadsLeft.isWrong()) throw new LayoutChanged();
      this.#checkRest();
    }
    const found = this.#found ?? this.#unjudged;
    return {
      found: found && { ...found.violation, path: this.#pathTo(found.parent, found.step), use: this.#use() },
      bounded,
      isCut: this.#foresight.isCut,
      states: this.#places.count,
      transitions: this.#transitions,
      restStates: this.#rest.length,
    };
  }

  #begin(): void {
    const { memory, slots, starts } = this.#programs;
    let base: readonly number[] = slots.map((address) => memory.initial[address]);
    const nodes = starts.map((start) => {
      const settled = this.#steps.settle(start, base);
      base = settled.base;
      return settled.node;
    });
    // The list of sleepers is a word more.
    const state = initialState(this.#threads, this.#programs.hasSleepers ? [...base, 0] : base);
    if (state.base.length > MOST_WORDS)
      this.#tooMany = `the threads use ${state.base.length} words, and the search tells ${MOST_WORDS} apart`;
    const { initial } = this.#problem.monitor;
    // Nothing that is read is older than the beginning.
    const spec = this.#programs.threads.some(({ name }) => name === VCPU_NAME)
      ? this.#told(initial, LOOK)
      : initial;
    this.#insert(state, nodes, typeof spec === 'number' ? spec : initial, -1, NO_STEP);
  }

  #wordsAt(place: number): Words {
    return this.#words[this.#places.at(place, 0)];
  }

  #specAt(place: number): number {
    return this.#places.at(place, 1);
  }

  #nodeAt(place: number, thread: number): number {
    return this.#places.at(place, 2 + 2 * thread);
  }

  #viewAt(place: number, thread: number): HartView {
    return this.#views[this.#places.at(place, 3 + 2 * thread)];
  }

  #stateAt(place: number): WeakState {
    const views = this.#programs.threads.map((_, thread) => this.#viewAt(place, thread));
    return { ...this.#wordsAt(place), views };
  }

  #expand(at: number): void {
    const { kind } = this.#programs;
    for (let thread = 0; thread < this.#threads; thread++) {
      if (kind.at(this.#nodeAt(at, thread)) !== Kind.CHOOSE) continue;
      for (const one of this.#successors(at, thread).accesses) this.#go(at, one);
      return;
    }
    let moved = false;
    let hasLimit = false;
    for (let thread = 0; thread < this.#threads; thread++) {
      const node = this.#nodeAt(at, thread);
      const of = kind.at(node) as Kind;
      if (of === Kind.FAIL) {
        const violation = this.#programs.failureOf(node);
        if (violation !== undefined) this.#reportAt(violation, at);
        return;
      }
      const { accesses } = this.#successors(at, thread);
      for (const one of accesses) {
        this.#go(at, one);
        if (isTimeout(of, one.step.result)) hasLimit = true;
        else moved = true;
      }
    }
    if (moved) for (let thread = 0; thread < this.#threads; thread++) this.#promise(at, thread);
    else this.#judgeRest(at, hasLimit);
  }

  #promise(at: number, thread: number): void {
    const local = this.#successors(at, thread);
    local.promises ??= this.#steps.promises(
      this.#wordsAt(at),
      this.#viewAt(at, thread),
      this.#nodeAt(at, thread),
    );
    for (const one of local.promises) this.#go(at, one);
  }

  /** The moves of a thread, computed once for its words, view and node. */
  #successors(at: number, thread: number): Successors {
    const node = this.#nodeAt(at, thread);
    const key = [this.#places.at(at, 0), this.#places.at(at, 3 + 2 * thread), node];
    const local = this.#localLists.intern(key);
    this.#locals[local] ??= {
      accesses: this.#steps.accesses(this.#wordsAt(at), this.#viewAt(at, thread), node),
    };
    return this.#locals[local];
  }

  /** Takes a step of one thread. */
  #go(at: number, { step, words, view, node, events }: LocalStep): void {
    this.#transitions++;
    const { thread } = step;
    const told = this.#toldOf(step, this.#told(this.#specAt(at), events));
    if (typeof told !== 'number') {
      this.#report(told, at, step);
      return;
    }
    const nodes: number[] = [];
    const views: HartView[] = [];
    for (let other = 0; other < this.#threads; other++) {
      nodes.push(other === thread ? node : this.#nodeAt(at, other));
      views.push(other === thread ? view : this.#viewAt(at, other));
    }
    const isCounted = step.promised < 0 && this.#steps.addsToCount(this.#nodeAt(at, thread));
    const messages = isCounted ? counted(words.messages) : words.messages;
    const state = { base: words.base, messages, views };
    const spec = this.#isLook(state, step) ? this.#told(told, LOOK) : told;
    const target = this.#insert(state, nodes, typeof spec === 'number' ? spec : told, at, step);
    this.#log?.add(target);
  }

  /**
   * Gives an addition to a count, if there is one without, the least value that no thread remembers, and that no other
   * store has which might still be read: nobody can tell which one it is.
   */
  #named({ base, messages, views }: WeakState, nodes: readonly number[]): WeakState {
    const slot = messages.findLast(({ value }) => value === UNNAMED)?.location ?? base.indexOf(UNNAMED);
    if (slot < 0) return { base, messages, views };
    const { remembers, countValues, memory, slots } = this.#programs;
    const taken = new Set([base[slot]]);
    for (const { location, value } of messages) if (location === slot) taken.add(value);
    const bits = nodes.reduce((all, node) => all | remembers.at(node), 0);
    for (let value = 0; value < countValues; value++) {
      if (taken.has(value) || (bits & this.#programs.countBit(slots[slot], value)) !== 0) continue;
      const named = messages.map((one) => (one.value === UNNAMED ? { ...one, value } : one));
      return { base: base.map((one) => (one === UNNAMED ? value : one)), messages: named, views };
    }
    // The state is not right, but the search ends before anybody looks at it.
    this.#tooMany = `more values of ${memory.words[slots[slot]].name} can be read at once than the search tells apart`;
    return { base, messages, views };
  }

  /** The specification, told of a store that takes effect ahead of its turn, and that its thread has come to it. */
  #toldOf({ thread, promised, keeps }: WeakStep, spec: number | SpecViolation): number | SpecViolation {
    const { name } = this.#programs.threads[thread];
    if (typeof spec !== 'number' || name === VCPU_NAME || (promised < 0 && !keeps)) return spec;
    this.#aheadLists[thread] ??= this.#programs.eventLists.push([{ is: 'ahead', thread: name }]) - 1;
    this.#keptLists[thread] ??= this.#programs.eventLists.push([{ is: 'kept', thread: name }]) - 1;
    return this.#told(spec, keeps ? this.#keptLists[thread] : this.#aheadLists[thread]);
  }

  /** Whether whatever the vCPU's thread reads from now on is not older than now. */
  #isLook(state: WeakState, { thread, behind }: WeakStep): boolean {
    if (behind < 0 || this.#programs.threads[thread].name !== VCPU_NAME) return false;
    return seesAll(state, thread, (word) => ((this.#readers[word] >>> thread) & 1) !== 0);
  }

  /** The specification after a list of events, or a {@link LOOK}: each is computed once. */
  #told(spec: number, events: number): number | SpecViolation {
    if (events === 0 || this.#bounds.valuesOnly) return spec;
    this.#afterEvents[events + 1] ??= [];
    const after = this.#afterEvents[events + 1];
    after[spec] ??= this.#tell(spec, events === LOOK ? [{ is: 'look' }] : this.#programs.eventLists[events]);
    return after[spec];
  }

  #tell(spec: number, events: readonly SpecEvent[]): number | SpecViolation {
    let after = spec;
    for (const event of events) {
      const next = this.#problem.monitor.next(after, event);
      if (typeof next !== 'number') return next;
      after = next;
    }
    return after;
  }

  #insert(state: WeakState, nodes: readonly number[], spec: number, parent: number, step: WeakStep): number {
    for (let thread = 0; thread < this.#threads; thread++) this.#foresee(thread, nodes[thread]);
    const simple = this.#named(canonical(state, this.#futures), nodes);
    const words = this.#wordLists.intern(encodeWords(simple));
    this.#words[words] ??= simple;
    const key = [words, spec];
    for (let thread = 0; thread < this.#threads; thread++) {
      const view = this.#viewLists.intern(encodeView(simple.views[thread]));
      this.#views[view] ??= simple.views[thread];
      key.push(nodes[thread], view);
    }
    const before = this.#places.count;
    const place = this.#places.intern(key);
    if (place === before) {
      this.#parents.push(parent);
      this.#reachedBy.push(step);
    }
    return place;
  }

  /** Says what a thread can find of the past from a node on. */
  #foresee(thread: number, node: number): void {
    const { words, loads } = this.#loadsLeft.from(node);
    // A look depends on all that the vCPU's thread loads at any time.
    const looks = this.#programs.threads[thread].name === VCPU_NAME && !this.#loadsLeft.isEnclosed(node);
    const { kind } = this.#programs;
    this.#futures.words[thread] = words;
    this.#futures.loads[thread] = looks && loads > 0 ? Number.POSITIVE_INFINITY : loads;
    this.#futures.watched[thread] = looks && kind.at(node) !== Kind.END ? this.#wordsOf(thread) : words;
  }

  /** Mask of the words that a thread loads. */
  #wordsOf(thread: number): number {
    const add = (mask: number, threads: number, word: number): number =>
      (threads >>> thread) & 1 ? mask | (1 << word) : mask;
    return this.#readers.reduce(add, 0);
  }

  /**
   * Whether some thread still owes a store that it has promised. Where nothing moves any more, no execution ends: other
   * threads have come in between, and the thread would have had to go on before them.
   */
  #isOwed(at: number): boolean {
    return this.#wordsAt(at).messages.some(({ isPromised }) => isPromised);
  }

  #judgeRest(at: number, hasLimit: boolean): void {
    if (this.#isOwed(at)) return;
    const { kind, slots, memory, threads } = this.#programs;
    const contents = [...memory.initial];
    const values = finalWords(this.#stateAt(at));
    for (const [slot, address] of slots.entries()) contents[address] = values[slot];
    const asleep = threads.map((_, thread) => this.#steps.isAsleep(this.#wordsAt(at), thread));
    const states = threads.map((_, thread) => {
      const node = this.#nodeAt(at, thread);
      return kind.at(node) === Kind.END ? undefined : this.#programs.stateOf(node);
    });
    const judged = withoutCounts(memory.words, contents);
    const view = { states, spec: this.#specAt(at), contents: judged, asleep, hasLimit };
    const violation = this.#problem.atRest(view);
    if (violation !== undefined) this.#reportAt(violation, at);
    else this.#rest.push(at);
  }

  /**
   * Rest must be reachable from everywhere. Where stores are owed, a thread may have missed its chance to make them, or
   * it makes them, and comes to a place where nothing is owed.
   */
  #checkRest(): void {
    if (this.#log === undefined) return;
    const rests = new Uint8Array(this.#places.count);
    for (const place of this.#rest) rests[place] = 1;
    this.#log.markRestful(rests);
    const restless = rests.findIndex((rest, place) => rest === 0 && !this.#isOwed(place));
    if (restless < 0) return;
    const message = 'from here on no order of events brings the vCPU to rest';
    this.#reportAt({ property: 'P5', message }, restless);
  }

  #reportAt(violation: SpecViolation, place: number): void {
    this.#report(violation, this.#parents.at(place), this.#reachedBy[place]);
  }

  #report(violation: SpecViolation, parent: number, step: WeakStep): void {
    const found = { violation, parent, step };
    if (this.#isJudged(found)) this.#found ??= found;
    else this.#unjudged ??= found;
  }

  /**
   * A store of a producer that takes effect ahead of its turn is told to the specification. With one of the vCPU's, it
   * does not know when the flush was; that does not matter to what threads read, but to the order of calls and flushes.
   */
  #isJudged({ violation: { property }, parent, step }: FoundStep): boolean {
    if (property === 'P6' || property === 'P7') return true;
    const isAhead = ({ promised, thread }: WeakStep): boolean =>
      promised >= 0 && this.#programs.threads[thread].name === VCPU_NAME;
    return !this.#pathTo(parent, step).some(isAhead);
  }

  #use(): WordUse {
    const { slots, ownerOfSlot } = this.#programs;
    return {
      owners: new Map(slots.map((address, slot) => [address, ownerOfSlot[slot]])),
      readers: new Map(slots.map((address, slot) => [address, this.#readers[slot]])),
    };
  }

  #pathTo(parent: number, last: WeakStep): WeakStep[] {
    const path = [last];
    for (let at = parent; at > 0; at = this.#parents.at(at)) path.push(this.#reachedBy[at]);
    return path.reverse();
  }
}

import { Frontier } from './frontier.ts';
import type { Monitor } from './monitor.ts';
import { isEnabled, Kind, resultOf, valueAfter } from './operations.ts';
import { withoutCounts } from './shared-memory.ts';
import { isPackedIn, MOST_THREADS_WITH_SLEEPERS, packedAfter } from './sleepers.ts';
import type { SpecViolation } from './spec-event.ts';
import { MOST_CHOICES, MOST_THREADS, mixHigh, mixLow, StateTable, stepCode } from './state-table.ts';
import type { ThreadPrograms } from './thread-programs.ts';
import { TransitionLog } from './transition-log.ts';

/** A state in which nothing can move, but for sleepers whose time may be over, as the scenario judges it. */
export interface RestView {
  /** By thread: the JSON state in which its current step began, or undefined when the thread has ended. */
  readonly states: readonly (string | undefined)[];
  /** State of the monitor. */
  readonly spec: number;
  /** Contents of all words, by address. */
  readonly contents: readonly number[];
  /** By thread: whether it sleeps in `Atomics.wait`. Nobody does when absent. */
  readonly asleep?: readonly boolean[];
  /** Whether a sleeper has a limit of time and will go on after it; absent for no. */
  readonly hasLimit?: boolean;
}

/** The threads to search through, and the judges of what they do. */
export interface Problem {
  readonly programs: ThreadPrograms;
  readonly monitor: Monitor;
  /** Judges a state in which nothing can move. Returns what is wrong with it. */
  atRest(view: RestView): SpecViolation | undefined;
  /** Whether rest must be reachable from everywhere. */
  readonly mustRest: boolean;
}

/** Bounds of a search. Reaching one gives NOT PROVEN, never silence. */
export interface Bounds {
  readonly maxStates: number;
  /** Milliseconds. */
  readonly maxTime: number;
  /** Bytes of all tables together. */
  readonly maxBytes: number;
}

export interface Progress {
  readonly states: number;
  readonly transitions: number;
  readonly milliseconds: number;
}

/** A violation and the explorer's steps that lead to it. */
export interface Found extends SpecViolation {
  readonly path: readonly number[];
  /** The last steps of `path` that repeat for ever, for a violation of P5. */
  readonly loop: number;
}

export interface SearchResult {
  readonly found: Found | undefined;
  /** Which bound ended the search, and where. */
  readonly bounded: string | undefined;
  readonly states: number;
  readonly transitions: number;
  /** Steps from the initial state to the last one expanded. */
  readonly depth: number;
  readonly restStates: number;
  readonly milliseconds: number;
  readonly bytes: number;
  readonly collisionProbability: number;
}

/** Thrown when a word turns out to be used, or shared, that was not before. */
class LayoutChanged extends Error {}

/** Ways to keep a word's content in a state. */
const Treatment = { PLAIN: 0, UNREAD: 1, COUNT: 2 } as const;

/** States between two looks at the clock. */
const CLOCK_INTERVAL = 8192;

/**
 * Explores everything that the threads can do, breadth first, so that the first violation has a shortest path. A step
 * is one access to a shared word, together with the accesses of the same thread that follow it and touch only words
 * that no other thread uses: those commute with everything.
 */
export function explore(
  problem: Problem,
  bounds: Bounds,
  onProgress: (progress: Progress) => void,
  now: () => number,
): SearchResult {
  for (;;) {
    try {
      return new Search(problem, bounds, onProgress, now).run();
    } catch (error) {
      if (!(error instanceof LayoutChanged)) throw error;
    }
  }
}

class Search {
  readonly #problem: Problem;
  readonly #programs: ThreadPrograms;
  readonly #bounds: Bounds;
  readonly #onProgress: (progress: Progress) => void;
  readonly #now: () => number;
  readonly #slots: number;
  readonly #threads: number;
  readonly #width: number;
  readonly #layout: number;
  readonly #owner: Int32Array;
  /** By slot: one of {@link Treatment}. */
  readonly #treatment: Uint8Array;
  /** Component of the vector that has the sleepers, -1 when nobody ever sleeps. */
  readonly #queue: number;
  readonly #wordOf = (thread: number): number => this.#programs.slot.at(this.#next[this.#slots + thread]);
  readonly #table = new StateTable();
  readonly #frontier: Frontier;
  readonly #log: TransitionLog | undefined;
  readonly #current: Int32Array;
  readonly #next: Int32Array;
  readonly #rest: number[] = [];
  /** Monitor state after a list of events, by both numbers; -1 not computed, -2 a violation. */
  #spec: Int32Array[] = [];
  readonly #violations = new Map<string, SpecViolation>();
  #low = 0;
  #high = 0;
  #transitions = 0;
  #found: Found | undefined;

  constructor(problem: Problem, bounds: Bounds, onProgress: (progress: Progress) => void, now: () => number) {
    this.#problem = problem;
    this.#programs = problem.programs;
    this.#bounds = bounds;
    this.#onProgress = onProgress;
    this.#now = now;
    this.#slots = this.#programs.slots.length;
    this.#threads = this.#programs.threads.length;
    if (this.#threads > MOST_THREADS) throw new RangeError(`A scenario has at most ${MOST_THREADS} threads`);
    const { hasSleepers, memory, slots } = this.#programs;
    if (hasSleepers && this.#threads > MOST_THREADS_WITH_SLEEPERS) {
      throw new RangeError(`A scenario with Atomics.wait has at most ${MOST_THREADS_WITH_SLEEPERS} threads`);
    }
    this.#width = this.#slots + this.#threads + (hasSleepers ? 2 : 1);
    this.#queue = hasSleepers ? this.#width - 2 : -1;
    this.#treatment = Uint8Array.from(slots, (address) => {
      const { unread, isCount } = memory.words[address];
      return unread ? Treatment.UNREAD : isCount ? Treatment.COUNT : Treatment.PLAIN;
    });
    this.#layout = this.#programs.layoutVersion;
    this.#owner = Int32Array.from(this.#programs.ownerOfSlot);
    this.#frontier = new Frontier(this.#width + 2);
    this.#log = problem.mustRest ? new TransitionLog() : undefined;
    this.#current = new Int32Array(this.#width + 2);
    this.#next = new Int32Array(this.#width + 2);
  }

  run(): SearchResult {
    const started = this.#now();
    this.#insertInitial();
    let expanded = 0;
    let bounded: string | undefined;
    while (expanded < this.#table.count && this.#found === undefined) {
      this.#frontier.shift(this.#current);
      this.#expand(expanded++);
      this.#log?.endState();
      if (expanded % CLOCK_INTERVAL === 0) {
        bounded = this.#checkBounds(expanded, this.#now() - started);
        if (bounded !== undefined) break;
      }
    }
    if (bounded === undefined && this.#found === undefined) this.#checkRest();
    const depth = this.#table.pathTo(Math.max(0, expanded - 1)).length;
    return {
      found: this.#found,
      bounded,
      states: this.#table.count,
      transitions: this.#transitions,
      depth,
      restStates: this.#rest.length,
      milliseconds: this.#now() - started,
      bytes: this.#bytes,
      collisionProbability: this.#table.collisionProbability,
    };
  }

  get #bytes(): number {
    return this.#table.bytes + this.#frontier.bytes + (this.#log?.bytes ?? 0);
  }

  #insertInitial(): void {
    const vector = this.#next;
    for (let slot = 0; slot < this.#slots; slot++) {
      vector[slot] = this.#programs.memory.initial[this.#programs.slots[slot]];
    }
    for (let thread = 0; thread < this.#threads; thread++) {
      vector[this.#slots + thread] = this.#programs.starts[thread];
    }
    vector[this.#width - 1] = this.#problem.monitor.initial;
    this.#low = 0;
    this.#high = 0;
    for (let index = 0; index < this.#width; index++) {
      this.#low ^= mixLow(index, vector[index]);
      this.#high ^= mixHigh(index, vector[index]);
    }
    // Accesses before the first shared one of each thread commute with everything.
    for (let thread = 0; thread < this.#threads; thread++) this.#runPrivate(thread);
    this.#table.insert(this.#low, this.#high, -1, 0);
    this.#enqueue();
  }

  #expand(state: number): void {
    const { kind, slot, a, b } = this.#programs;
    const current = this.#current;
    const chooser = this.#chooser();
    if (chooser >= 0) {
      const ways = a.at(current[this.#slots + chooser]);
      if (ways > MOST_CHOICES) throw new RangeError(`A step chooses among at most ${MOST_CHOICES} ways`);
      for (let way = 0; way < ways; way++) this.#step(state, chooser, way);
      return;
    }
    let moved = false;
    let hasLimit = false;
    for (let thread = 0; thread < this.#threads; thread++) {
      const node = current[this.#slots + thread];
      const of = kind.at(node) as Kind;
      if (of === Kind.FAIL) {
        const failure = this.#programs.failureOf(node);
        if (failure !== undefined) this.#report(failure, state, -1);
        return;
      }
      const at = slot.at(node);
      if (at >= 0 && isEnabled(of, current[at], a.at(node))) {
        this.#step(state, thread, 0);
        moved = true;
      } else if (of === Kind.ASLEEP) {
        if (!isPackedIn(current[this.#queue], thread)) {
          this.#step(state, thread, 0);
          moved = true;
        } else if (b.at(node) !== 0) {
          this.#step(state, thread, 0);
          hasLimit = true;
        }
      }
    }
    if (!moved) this.#judgeRest(state, hasLimit);
  }

  /** A thread that is about to choose: a choice commutes with all that others do, so no other thread needs to move. */
  #chooser(): number {
    for (let thread = 0; thread < this.#threads; thread++) {
      if (this.#programs.kind.at(this.#current[this.#slots + thread]) === Kind.CHOOSE) return thread;
    }
    return -1;
  }

  #step(state: number, thread: number, choice: number): void {
    const width = this.#width;
    const next = this.#next;
    for (let index = 0; index < width; index++) next[index] = this.#current[index];
    this.#low = this.#current[width];
    this.#high = this.#current[width + 1];
    this.#transitions++;
    const ok = this.#perform(thread, choice) && this.#runPrivate(thread);
    if (!ok) {
      const violation = this.#violations.get('last');
      if (violation !== undefined) this.#report(violation, state, stepCode(thread, choice));
      return;
    }
    const reached = this.#table.insert(this.#low, this.#high, state, stepCode(thread, choice));
    if (reached >= 0) this.#enqueue();
    this.#log?.add(reached >= 0 ? reached : -1 - reached);
  }

  /** Queues the vector `#next`; its fingerprint goes with it. */
  #enqueue(): void {
    this.#next[this.#width] = this.#low;
    this.#next[this.#width + 1] = this.#high;
    this.#frontier.push(this.#next);
  }

  /** Does the pending operation of a thread on the vector `#next`. Returns false when the monitor objects. */
  #perform(thread: number, choice: number): boolean {
    const programs = this.#programs;
    const next = this.#next;
    const place = this.#slots + thread;
    const node = next[place];
    const kind = programs.kind.at(node) as Kind;
    const slot = programs.slot.at(node);
    let result = choice;
    if (slot >= 0) {
      const old = next[slot];
      const a = programs.a.at(node);
      if (kind >= Kind.WAIT) result = this.#stepSleepers(thread, kind, old, a);
      else if (this.#treatment[slot] === Treatment.PLAIN) {
        result = resultOf(kind, old, a);
        this.#change(slot, old, valueAfter(kind, old, a, programs.b.at(node)));
      } else result = this.#stepCounter(slot, kind, old, a);
    }
    const edge = programs.edge(node, result);
    if (programs.layoutVersion !== this.#layout) throw new LayoutChanged();
    this.#change(place, node, programs.edgeTarget.at(edge));
    const events = programs.edgeEvents.at(edge);
    return events === 0 || this.#tell(events);
  }

  #stepSleepers(thread: number, kind: Kind, value: number, a: number): number {
    const before = this.#next[this.#queue];
    const [after, result] = packedAfter(before, kind, thread, value, a, this.#wordOf);
    this.#change(this.#queue, before, after);
    return result;
  }

  /** The result of an access to a counter: its value is no number here, so adding gives none either. */
  #stepCounter(slot: number, kind: Kind, old: number, a: number): number {
    if (this.#treatment[slot] === Treatment.UNREAD) return resultOf(kind, old, a);
    if (kind !== Kind.ADD) return old;
    if (a !== 0) this.#change(slot, old, this.#freshValue(slot));
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
    for (let thread = 0; thread < this.#threads; thread++) {
      remembered |= programs.remembers.at(this.#next[this.#slots + thread]);
    }
    for (let value = 0; value < programs.countValues; value++) {
      if ((remembered & programs.countBit(address, value)) === 0) return value;
    }
    throw new RangeError(`Threads remember more values of ${programs.memory.words[address].name} than fit`);
  }

  /** Goes on with a thread while it touches only words that no other thread uses, and tells the monitor nothing new. */
  #runPrivate(thread: number): boolean {
    const { slot, hasEvents } = this.#programs;
    for (let steps = 0; steps < 10_000; steps++) {
      const node = this.#next[this.#slots + thread];
      const at = slot.at(node);
      if (at < 0 || this.#owner[at] !== thread || hasEvents.at(node) !== 0) return true;
      const kind = this.#programs.kind.at(node) as Kind;
      if (!isEnabled(kind, this.#next[at], this.#programs.a.at(node))) return true;
      if (!this.#perform(thread, 0)) return false;
    }
    return true;
  }

  #change(component: number, from: number, to: number): void {
    if (from === to) return;
    this.#low ^= mixLow(component, from) ^ mixLow(component, to);
    this.#high ^= mixHigh(component, from) ^ mixHigh(component, to);
    this.#next[component] = to;
  }

  #tell(events: number): boolean {
    const place = this.#width - 1;
    const from = this.#next[place];
    this.#spec[events] ??= new Int32Array(0);
    let to = from < this.#spec[events].length ? this.#spec[events][from] - 1 : -1;
    if (to === -1) to = this.#computeSpec(events, from);
    if (to === -2) {
      this.#rememberViolation(events, from);
      return false;
    }
    this.#change(place, from, to);
    return true;
  }

  #computeSpec(events: number, from: number): number {
    let to = from;
    for (const event of this.#programs.eventLists[events]) {
      const next = this.#problem.monitor.next(to, event);
      if (typeof next !== 'number') {
        to = -2;
        break;
      }
      to = next;
    }
    let row = this.#spec[events];
    if (from >= row.length) {
      const longer = new Int32Array(Math.max(64, from * 2));
      longer.set(row);
      row = longer;
      this.#spec[events] = row;
    }
    // 0 is "not computed", so numbers are kept one higher.
    row[from] = to + 1;
    return to;
  }

  #rememberViolation(events: number, from: number): void {
    let at = from;
    for (const event of this.#programs.eventLists[events]) {
      const next = this.#problem.monitor.next(at, event);
      if (typeof next !== 'number') {
        this.#violations.set('last', next);
        return;
      }
      at = next;
    }
  }

  #judgeRest(state: number, hasLimit: boolean): void {
    const { kind, slots, memory } = this.#programs;
    const contents = [...memory.initial];
    for (let slot = 0; slot < this.#slots; slot++) contents[slots[slot]] = this.#current[slot];
    const asleep = this.#programs.threads.map(
      (_, thread) => this.#queue >= 0 && isPackedIn(this.#current[this.#queue], thread),
    );
    const states = Array.from({ length: this.#threads }, (_, thread) => {
      const node = this.#current[this.#slots + thread];
      return kind.at(node) === Kind.END ? undefined : this.#programs.stateOf(node);
    });
    const spec = this.#current[this.#width - 1];
    const view = { states, spec, contents: withoutCounts(memory.words, contents), asleep, hasLimit };
    const violation = this.#problem.atRest(view);
    if (violation !== undefined) this.#report(violation, state, -1);
    else this.#rest.push(state);
  }

  #checkRest(): void {
    if (this.#log === undefined) return;
    const rests = new Uint8Array(this.#table.count);
    for (const state of this.#rest) rests[state] = 1;
    const restless = this.#log.findRestless(rests);
    if (restless < 0) return;
    const path = this.#table.pathTo(restless);
    const message = 'from here on no order of events brings the vCPU to rest';
    this.#found = { property: 'P5', message, path, loop: 0 };
  }

  #report(violation: SpecViolation, state: number, lastStep: number): void {
    if (this.#found !== undefined) return;
    const path = this.#table.pathTo(state);
    if (lastStep >= 0) path.push(lastStep);
    this.#found = { ...violation, path, loop: 0 };
  }

  #checkBounds(expanded: number, milliseconds: number): string | undefined {
    const { maxStates, maxTime, maxBytes } = this.#bounds;
    const states = this.#table.count;
    this.#onProgress({ states, transitions: this.#transitions, milliseconds });
    const open = `${states - expanded} of ${states} states were not expanded`;
    if (states >= maxStates) return `the limit of ${maxStates} states was reached; ${open}`;
    if (milliseconds >= maxTime) return `the time limit of ${maxTime} ms was reached; ${open}`;
    if (this.#bytes >= maxBytes) return `the memory limit of ${maxBytes} bytes was reached; ${open}`;
    return undefined;
  }
}

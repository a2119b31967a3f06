import { Crowd, END, MANY } from './crowd/crowd.ts';
import { Seen } from './crowd/seen.ts';
import { Frontier } from './frontier.ts';
import type { Monitor } from './monitor.ts';
import { isEnabled, Kind } from './operations.ts';
import { withoutCounts } from './shared-memory.ts';
import { isPackedIn } from './sleepers.ts';
import type { SpecViolation } from './spec-event.ts';
import { SpecTable } from './spec-table.ts';
import { MOST_CHOICES, StateTable, stepCode } from './state-table.ts';
import { LayoutChanged, StateVector } from './state-vector.ts';
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
  /** The last of the threads may be crowds: each then stands for any number of its like. */
  readonly programs: ThreadPrograms;
  readonly monitor: Monitor;
  /** Judges a state in which nothing can move. Returns what is wrong with it. */
  atRest(view: RestView): SpecViolation | undefined;
  /** Whether rest must be reachable from everywhere; with a crowd, whether that is without new calls of it. */
  readonly mustRest: boolean;
  /** With a crowd: what is known of it. The more, the faster. */
  readonly seen?: Seen;
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

/** States between two looks at the clock. */
const CLOCK_INTERVAL = 8192;

/** In the place of the step by which a thread of a crowd has led to a state: it has no name. */
const CROWD_STEP = 0xff;
/** How many accesses a thread of a crowd that runs alone may take until its call is over. */
const LONGEST_CALL = 64;

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
  const seen = problem.seen ?? new Seen(problem.programs.memory);
  const started = now();
  for (;;) {
    try {
      return new Search(problem, seen, bounds, onProgress, now).run(started);
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
  readonly #seen: Seen;
  readonly #crowd: Crowd | undefined;
  readonly #vector: StateVector;
  readonly #table = new StateTable();
  readonly #frontier: Frontier;
  readonly #log: TransitionLog | undefined;
  readonly #current: Int32Array;
  readonly #rest: number[] = [];
  /** States from which a thread of the crowd comes to the end of its call by itself. */
  readonly #completing: number[] = [];
  #transitions = 0;
  #found: Found | undefined;

  constructor(
    problem: Problem,
    seen: Seen,
    bounds: Bounds,
    onProgress: (progress: Progress) => void,
    now: () => number,
  ) {
    this.#problem = problem;
    this.#programs = problem.programs;
    this.#seen = seen;
    this.#bounds = bounds;
    this.#onProgress = onProgress;
    this.#now = now;
    const { crowds } = this.#programs;
    this.#crowd = crowds.length === 0 ? undefined : new Crowd(this.#programs, crowds, seen);
    const spec = new SpecTable(problem.monitor, this.#programs.eventLists);
    this.#vector = new StateVector(this.#programs, spec, this.#crowd?.components ?? 0);
    this.#current = new Int32Array(this.#vector.next.length);
    this.#frontier = new Frontier(this.#current.length);
    this.#log = problem.mustRest ? new TransitionLog() : undefined;
  }

  /** @param started the time at which the first of all searches began */
  run(started: number): SearchResult {
    const vector = this.#vector;
    vector.start();
    this.#table.insert(vector.low, vector.high, -1, 0);
    this.#frontier.push(vector.seal());
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

  #expand(state: number): void {
    const { kind, slot, a, b } = this.#programs;
    const current = this.#current;
    const chooser = this.#chooser();
    if (chooser >= 0) {
      const ways = a.at(current[this.#vector.slots + chooser]);
      if (ways > MOST_CHOICES) throw new RangeError(`A step chooses among at most ${MOST_CHOICES} ways`);
      for (let way = 0; way < ways; way++) this.#step(state, chooser, way);
      return;
    }
    let moved = false;
    let hasLimit = false;
    for (let thread = 0; thread < this.#vector.threads; thread++) {
      const node = current[this.#vector.slots + thread];
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
        if (!isPackedIn(current[this.#vector.queue], thread)) {
          this.#step(state, thread, 0);
          moved = true;
        } else if (b.at(node) !== 0) {
          this.#step(state, thread, 0);
          hasLimit = true;
        }
      }
    }
    const isQuiet = this.#crowd === undefined || this.#stepCrowd(state, this.#crowd);
    if (!moved && isQuiet) this.#judgeRest(state, hasLimit);
  }

  /** A thread that is about to choose: a choice commutes with all that others do, so no other thread needs to move. */
  #chooser(): number {
    for (let thread = 0; thread < this.#vector.threads; thread++) {
      if (this.#programs.kind.at(this.#current[this.#vector.slots + thread]) === Kind.CHOOSE) return thread;
    }
    return -1;
  }

  #step(state: number, thread: number, choice: number): void {
    this.#vector.copy(this.#current);
    this.#transitions++;
    const ok = this.#vector.perform(thread, choice) && this.#vector.runPrivate(thread);
    const reached = this.#reach(ok, state, stepCode(thread, choice));
    if (reached >= 0) this.#log?.add(reached);
  }

  /** Takes note of the vector's state, or of the objection to it. Returns its number, -1 for an objection. */
  #reach(ok: boolean, from: number, code: number): number {
    if (!ok) {
      const { objection } = this.#vector;
      if (objection !== undefined) this.#report(objection, from, code);
      return -1;
    }
    const reached = this.#table.insert(this.#vector.low, this.#vector.high, from, code);
    if (reached < 0) return -1 - reached;
    this.#frontier.push(this.#vector.seal());
    return reached;
  }

  /**
   * Lets one thread of the crowd go on from each place where there is one, and begin at each home. Nothing of it is in
   * the log: that a state comes to rest must not depend on new calls, nor on a thread that only perhaps is there.
   *
   * @returns whether no thread of the crowd is in a call
   */
  #stepCrowd(state: number, crowd: Crowd): boolean {
    let isQuiet = true;
    let completes = this.#log === undefined;
    for (let place = 0; place < crowd.places; place++) {
      if (place < crowd.homes) {
        this.#goOn(state, crowd, place);
        continue;
      }
      const count = crowd.countIn(this.#current[this.#vector.extra + crowd.componentOf(place)], place);
      if (count === 0) continue;
      isQuiet = false;
      this.#goOn(state, crowd, place, crowd.isCounted(place) ? count - 1 : 0);
      if (count === MANY) this.#goOn(state, crowd, place, MANY);
      completes ||= crowd.alwaysEnds || this.#completesAlone(crowd, place);
    }
    if (!isQuiet && completes) this.#completing.push(state);
    return isQuiet;
  }

  /** @param left the counter of that place without the thread that goes on; there is none for a home */
  #goOn(state: number, crowd: Crowd, place: number, left?: number): void {
    const failure = this.#programs.failureOf(crowd.nodeAt(place));
    if (failure !== undefined) {
      this.#report(failure, state, -1);
      return;
    }
    this.#vector.copy(this.#current);
    this.#transitions++;
    const way = this.#accessOfCrowd(crowd, place);
    if (left !== undefined) this.#setCount(crowd, place, left);
    const target = crowd.targetOf(place, way);
    if (target >= crowd.homes) this.#arrive(crowd, target);
    const events = crowd.eventsOf(place, way);
    this.#reach(events === 0 || this.#vector.tell(events), state, CROWD_STEP);
  }

  #arrive(crowd: Crowd, place: number): void {
    const before = crowd.countIn(this.#vector.next[this.#vector.extra + crowd.componentOf(place)], place);
    if (before > 0 && crowd.isCounted(place) && !this.#seen.countsOn) {
      this.#seen.share(crowd.nodeAt(place));
      throw new LayoutChanged();
    }
    this.#setCount(crowd, place, before === 0 && crowd.isCounted(place) ? 1 : MANY);
  }

  #setCount(crowd: Crowd, place: number, count: number): void {
    const at = this.#vector.extra + crowd.componentOf(place);
    const before = this.#vector.next[at];
    this.#vector.change(at, before, crowd.withCount(before, place, count));
  }

  /** Whether a thread at that place gets to the end of its call while all others stand still. */
  #completesAlone(crowd: Crowd, place: number): boolean {
    this.#vector.copy(this.#current);
    let at = place;
    for (let steps = 0; steps < LONGEST_CALL; steps++) {
      if (this.#programs.failureOf(crowd.nodeAt(at)) !== undefined) return false;
      at = crowd.targetOf(at, this.#accessOfCrowd(crowd, at));
      if (at === END) return true;
    }
    return false;
  }

  /** Does the operation of a thread of the crowd on the vector. Returns the way on from its place. */
  #accessOfCrowd(crowd: Crowd, place: number): number {
    const { kind, slot, slots, memory, threads } = this.#programs;
    const node = crowd.nodeAt(place);
    const result = this.#vector.access(threads.length, node, 0);
    const way = crowd.wayWith(place, result);
    if (way >= 0) return way;
    this.#seen.addResult(kind.at(node) as Kind, memory.words[slots[slot.at(node)]].name, result);
    throw new LayoutChanged();
  }

  #judgeRest(state: number, hasLimit: boolean): void {
    const { kind, slots, memory } = this.#programs;
    const contents = [...memory.initial];
    for (let slot = 0; slot < this.#vector.slots; slot++) contents[slots[slot]] = this.#current[slot];
    const asleep = this.#programs.threads.map(
      (_, thread) => this.#vector.queue >= 0 && isPackedIn(this.#current[this.#vector.queue], thread),
    );
    const states = Array.from({ length: this.#vector.threads }, (_, thread) => {
      const node = this.#current[this.#vector.slots + thread];
      return kind.at(node) === Kind.END ? undefined : this.#programs.stateOf(node);
    });
    const spec = this.#current[this.#vector.width - 1];
    const view = { states, spec, contents: withoutCounts(memory.words, contents), asleep, hasLimit };
    const violation = this.#problem.atRest(view);
    if (violation !== undefined) this.#report(violation, state, -1);
    else if (this.#canFinish()) this.#rest.push(state);
  }

  /** Whether a thread of the crowd that is as if it had not begun gets to the end of its call. */
  #canFinish(): boolean {
    const crowd = this.#crowd;
    if (crowd === undefined || this.#log === undefined) return true;
    return Array.from({ length: crowd.homes }).every((_, home) => this.#completesAlone(crowd, home));
  }

  #checkRest(): void {
    if (this.#log === undefined) return;
    const rests = new Uint8Array(this.#table.count);
    for (const state of this.#rest) rests[state] = 1;
    for (const state of this.#completing) rests[state] = 1;
    this.#log.markRestful(rests);
    const restless = rests.indexOf(0);
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

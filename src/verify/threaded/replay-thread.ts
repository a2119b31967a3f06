/**
 * One thread of a counterexample on a real thread: it runs the shipped functions on shared memory, and before each
 * access it waits until the schedule says that it is its turn.
 */
import type { Protocol } from '../../interrupts/protocol.ts';
import {
  type AtomicsTarget,
  installAtomics,
  uninstallAtomics,
  type WaitAnswer,
  withAtomics,
} from '../atomics.ts';
import { HarnessFault } from '../fault.ts';
import { isEnabled, Kind, resultOf, valueAfter, WaitResult } from '../operations.ts';
import { loadPlugin } from '../plugin.ts';
import type { PropertyId } from '../property.ts';
import { populate, type Scenario } from '../scenario.ts';
import type { Move } from '../schedule.ts';
import { select } from '../selection.ts';
import type { SharedMemory } from '../shared-memory.ts';
import { isAsleep, type Sleeper, stepSleepers } from '../sleepers.ts';
import type { SpecEvent } from '../spec-event.ts';
import { MOST_THREADS } from '../state-table.ts';
import type { Env, LocalState, Thread } from '../thread.ts';

/** The engine's own, captured before anything stands in for it. */
const real = globalThis.Atomics;

/** Word of the control block: the number of the move whose turn it is. */
const TURN = 0;
/** Word of the control block: not zero when a thread could not do its move; the others stop then. */
const DIVERGED = 1;
/**
 * Words of the control block: how many threads sleep in `Atomics.wait`, then the thread and the address of each. The
 * engine's own list cannot be used: a thread that sleeps there could not give the turn on after it fell asleep. Only
 * the thread whose turn it is touches these.
 */
const SLEEPERS = 2;
export const CONTROL_WORDS = SLEEPERS + 1 + 2 * MOST_THREADS;

/** Milliseconds after which a thread believes that its turn will never come. */
const LONGEST_WAIT = 20_000;

/** The start of a thread of a replay; it can be posted to a worker. */
export interface ReplayStart {
  readonly file?: { readonly url: string; readonly shown: string };
  readonly protocol: string;
  readonly scenario: string;
  /** Which of the scenario's threads this is. */
  readonly thread: number;
  readonly moves: readonly Move[];
  /** The scenario's words, by address, with their initial contents. */
  readonly words: Int32Array;
  readonly control: Int32Array;
}

/** One access that a thread made. */
export interface RealStep {
  /** Number of the move. */
  readonly move: number;
  readonly kind: number;
  readonly address: number;
  readonly before: number;
  readonly after: number;
  readonly events: readonly SpecEvent[];
}

export interface ReplayThreadResult {
  readonly steps: readonly RealStep[];
  /** The JSON state in which its last step began, undefined when it ended. */
  readonly state: string | undefined;
  /** Why it could not follow the schedule. */
  readonly diverged: string | undefined;
  readonly failure: { readonly property: PropertyId; readonly message: string } | undefined;
  /** Whether it could go on after the schedule's end. */
  readonly canMove: boolean;
  /** Whether it sleeps in `Atomics.wait` then. */
  readonly isAsleep: boolean;
}

/** Thrown to leave the code: the schedule is over. */
const OVER: unique symbol = Symbol('over');

/** Runs one thread of a replay to the end of the schedule. */
export async function runReplayThread(start: ReplayStart): Promise<ReplayThreadResult> {
  const plugin = start.file === undefined ? undefined : await loadPlugin(start.file.url, start.file.shown);
  const { protocols, scenarios } = select(
    { protocols: [start.protocol], scenarios: [start.scenario] },
    plugin,
  );
  return runOn(start, protocols[0], scenarios[0]);
}

function runOn(start: ReplayStart, protocol: Protocol, scenario: Scenario): ReplayThreadResult {
  installAtomics();
  try {
    const world = populate(protocol, scenario);
    return new RealThread(start, world.threads[start.thread], world.memory).run();
  } finally {
    uninstallAtomics();
  }
}

class RealThread implements AtomicsTarget, Env {
  readonly #start: ReplayStart;
  readonly #thread: Thread;
  readonly #memory: SharedMemory;
  readonly #steps: (RealStep & { events: SpecEvent[] })[] = [];
  #before: SpecEvent[] = [];
  #move = -1;
  #failure: ReplayThreadResult['failure'];
  #diverged: string | undefined;
  #canMove: () => boolean = () => false;

  constructor(start: ReplayStart, thread: Thread, memory: SharedMemory) {
    this.#start = start;
    this.#thread = thread;
    this.#memory = memory;
  }

  run(): ReplayThreadResult {
    let state: string | undefined = JSON.stringify(this.#thread.initial);
    try {
      while (state !== undefined) {
        const from: LocalState = JSON.parse(state);
        const next: LocalState | null = withAtomics(this, () => this.#thread.step(from, this));
        state = next === null ? undefined : JSON.stringify(next);
      }
      this.#canMove = () => false;
      this.#steps.at(-1)?.events.push(...this.#before);
      this.#handOver();
    } catch (error) {
      if (error instanceof HarnessFault) this.#stop(error.message);
      else if (error !== OVER) this.#threw(error);
      else if (this.#failure !== undefined) this.#handOver();
    }
    const canMove = this.#failure === undefined && this.#canMove();
    const sleeps = isAsleep(readSleepers(this.#start.control), this.#start.thread);
    return {
      steps: this.#steps,
      state,
      diverged: this.#diverged,
      failure: this.#failure,
      canMove,
      isAsleep: sleeps,
    };
  }

  access(kind: Kind, array: unknown, index: number, a: number, b: number): number {
    const address = this.#memory.addressOf(array, index);
    const { words } = this.#start;
    this.#canMove = () => isEnabled(kind, real.load(words, address), a);
    this.#awaitTurn();
    if (!this.#canMove()) {
      this.#stop(`${this.#thread.name} waits for ${this.#memory.words[address].name}`);
      throw OVER;
    }
    const before = perform(kind, words, address, a, b);
    this.#note(kind, address, before, valueAfter(kind, before, a, b));
    return resultOf(kind, before, a);
  }

  wait(array: unknown, index: number, value: number, hasLimit: boolean): WaitAnswer {
    const found = this.#sleeperStep(Kind.WAIT, array, index, value, () => true);
    if (found === WaitResult.DIFFERENT) return 'not-equal';
    const { control, thread } = this.#start;
    const isAwake = () => !isAsleep(readSleepers(control), thread);
    const how = this.#sleeperStep(Kind.ASLEEP, array, index, value, () => hasLimit || isAwake(), isAwake);
    return how === WaitResult.WOKEN ? 'ok' : 'timed-out';
  }

  notify(array: unknown, index: number, count: number): number {
    // As in the exploration: nobody can sleep there, so this is no move.
    if (this.#memory.words[this.#memory.addressOf(array, index)].unread) return 0;
    return this.#sleeperStep(Kind.NOTIFY, array, index, count, () => true);
  }

  /** @param moves whether the thread can go on without a limit of time. */
  #sleeperStep(
    kind: Kind,
    array: unknown,
    index: number,
    a: number,
    mayMove: () => boolean,
    moves = mayMove,
  ): number {
    const address = this.#memory.addressOf(array, index);
    const { words, control, thread } = this.#start;
    this.#canMove = moves;
    this.#awaitTurn();
    if (!mayMove()) {
      this.#stop(`${this.#thread.name} sleeps on ${this.#memory.words[address].name}`);
      throw OVER;
    }
    const value = real.load(words, address);
    const { sleepers, result } = stepSleepers(readSleepers(control), kind, { thread, address }, value, a);
    writeSleepers(control, sleepers);
    this.#note(kind, address, value, value);
    return result;
  }

  choose(count: number): number {
    if (count === 1) return 0;
    this.#canMove = () => true;
    this.#awaitTurn();
    this.#note(Kind.CHOOSE, -1, 0, 0);
    return this.#start.moves[this.#move].choice;
  }

  awaitWord(
    words: Int32Array<ArrayBufferLike>,
    index: number,
    relation: 'equal' | 'different',
    value: number,
  ): number {
    const kind = relation === 'equal' ? Kind.AWAIT_EQUAL : Kind.AWAIT_DIFFERENT;
    return this.access(kind, words, index, value, 0);
  }

  before(event: SpecEvent): void {
    this.#before.push(event);
  }

  after(event: SpecEvent): void {
    (this.#before.length > 0 ? this.#before : (this.#steps.at(-1)?.events ?? this.#before)).push(event);
  }

  fail(property: PropertyId, message: string): never {
    this.#failure ??= { property, message };
    throw OVER;
  }

  note(): void {
    // The replay that checks the schedule has the same notes.
  }

  /** Gives the turn on, then waits for the next move of this thread. Throws when there is none. */
  #awaitTurn(): void {
    this.#handOver();
    const { moves, thread, control } = this.#start;
    const next = moves.findIndex((move, index) => index > this.#move && move.thread === thread);
    const until = next < 0 ? moves.length : next;
    for (;;) {
      // Meets the add in `#handOver`, and the store in `#stop`, of the other threads.
      const turn = real.load(control, TURN);
      if (real.load(control, DIVERGED) !== 0) throw OVER;
      if (turn >= until) break;
      if (real.wait(control, TURN, turn, LONGEST_WAIT) === 'timed-out') {
        this.#stop(`${this.#thread.name} waits for move ${until}, but move ${turn} is never done`);
        throw OVER;
      }
    }
    if (next < 0) throw OVER;
    this.#move = next;
  }

  /** The move is over when the thread stands before its next access, or at its end: only then goes the next one. */
  #handOver(): void {
    if (this.#move < 0) return;
    const { control } = this.#start;
    // Meets the load and the wait in `#awaitTurn` of the other threads.
    real.add(control, TURN, 1);
    real.notify(control, TURN);
  }

  #note(kind: Kind, address: number, before: number, after: number): void {
    this.#steps.push({ move: this.#move, kind, address, before, after, events: this.#before });
    this.#before = [];
  }

  #threw(error: unknown): void {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#failure = { property: 'P7', message: `${this.#thread.name} throws ${text}` };
    this.#handOver();
  }

  #stop(why: string): void {
    this.#diverged = why;
    const { control } = this.#start;
    // Meets the load in `#awaitTurn` of the other threads.
    real.store(control, DIVERGED, 1);
    real.notify(control, TURN);
  }
}

function readSleepers(control: Int32Array): Sleeper[] {
  return Array.from({ length: real.load(control, SLEEPERS) }, (_, index) => {
    const at = SLEEPERS + 1 + 2 * index;
    return { thread: real.load(control, at), address: real.load(control, at + 1) };
  });
}

function writeSleepers(control: Int32Array, sleepers: readonly Sleeper[]): void {
  real.store(control, SLEEPERS, sleepers.length);
  for (const [index, { thread, address }] of sleepers.entries()) {
    const at = SLEEPERS + 1 + 2 * index;
    real.store(control, at, thread);
    real.store(control, at + 1, address);
  }
}

/** The access itself, on real shared memory. Returns what the word held. */
function perform(kind: Kind, words: Int32Array, address: number, a: number, b: number): number {
  switch (kind) {
    case Kind.STORE:
      // The old content is for the report; nobody else moves in between.
      return storeReporting(words, address, a);
    case Kind.OR:
      return real.or(words, address, a);
    case Kind.AND:
      return real.and(words, address, a);
    case Kind.XOR:
      return real.xor(words, address, a);
    case Kind.EXCHANGE:
      return real.exchange(words, address, a);
    case Kind.COMPARE_EXCHANGE:
      return real.compareExchange(words, address, a, b);
    case Kind.ADD:
      return real.add(words, address, a);
    case Kind.SUB:
      return real.sub(words, address, a);
    default:
      return real.load(words, address);
  }
}

function storeReporting(words: Int32Array, address: number, value: number): number {
  const before = real.load(words, address);
  real.store(words, address, value);
  return before;
}

import type { Protocol } from '../interrupts/protocol.ts';
import { underStandIn } from './atomics.ts';
import { HarnessFault } from './fault.ts';
import type { Ordering } from './memory/orderings.ts';
import {
  concernsSleepers,
  isEnabled,
  Kind,
  type Operation,
  resultOf,
  touchesMemory,
  valueAfter,
} from './operations.ts';
import { populate, type Scenario } from './scenario.ts';
import type { Move } from './schedule.ts';
import { withoutCounts } from './shared-memory.ts';
import { isAsleep, type Sleeper, stepSleepers } from './sleepers.ts';
import type { SpecEvent, SpecViolation } from './spec-event.ts';
import { StepRunner } from './step-runner.ts';
import { type Place, ThreadRunner } from './thread-runner.ts';
import type { World } from './world/world.ts';

/** The part of a step that plain memory does not know. */
export interface WeakNote {
  /** The C operation's fences and annotations; undefined for what is no access to a shared word. */
  readonly ordering: Ordering | undefined;
  /** Indices of the steps whose stores to the word a load did not see, though they had taken effect. */
  readonly unseen: readonly number[];
  /** The index of the step at which the store took effect, ahead of its turn; -1. */
  readonly since: number;
  /** This step is no access: a store of the thread takes effect ahead of its turn. */
  readonly isPromise: boolean;
}

/** One access or choice, as it happened. */
export interface ReplayStep extends Move {
  /** On weak memory. */
  readonly weak?: WeakNote;
  readonly operation: Operation;
  /** Notes of the thread between its access before and this one. */
  readonly notes: readonly string[];
  /** The result for the thread. */
  readonly result: number;
  /** Content of the word before and after; 0 for a choice. */
  readonly before: number;
  readonly after: number;
  /** Where the access is. */
  readonly place: Place | undefined;
  readonly events: readonly SpecEvent[];
  /** Contents of all words after the step, by address. */
  readonly contents: readonly number[];
  /** By thread: the JSON state in which its step began, after this one. */
  readonly states: readonly (string | undefined)[];
}

/** A schedule that was run, on whatever memory. */
export interface ReplayedRun {
  readonly world: World;
  readonly names: readonly string[];
  /** Contents of all words in the end, by address. */
  readonly contents: readonly number[];
  /** Notes of a thread after its last access. */
  notesOf(thread: number): readonly string[];
}

/**
 * Runs threads by a schedule on plain memory. It shares no tables with the explorer: what is replayed here did not
 * come about by a mistake in fingerprints, graphs or shortcuts.
 */
export class Replay {
  readonly world: World;
  readonly steps: ReplayStep[] = [];
  /** The objection of the specification, if it has one. */
  violation: SpecViolation | undefined;
  readonly contents: number[];
  readonly #runners: readonly ThreadRunner[];
  #sleepers: readonly Sleeper[] = [];
  /** By thread and result in its current step: address of the count that was read, -1 for anything else. */
  readonly #counts: (readonly number[])[];
  #spec: number;

  constructor(protocol: Protocol, scenario: Scenario) {
    this.world = underStandIn(() => populate(protocol, scenario));
    this.contents = [...this.world.memory.initial];
    const step = new StepRunner(this.world.memory);
    this.#spec = this.world.monitor.initial;
    this.#runners = this.world.threads.map((thread) => new ThreadRunner(step, thread));
    this.#counts = this.#runners.map(() => []);
  }

  get names(): string[] {
    return this.world.threads.map(({ name }) => name);
  }

  /** By thread: the JSON state in which its current step began, undefined when it has ended. */
  get states(): (string | undefined)[] {
    return this.#runners.map(({ state }) => state);
  }

  /** The operation that a thread is about to do. */
  pending(thread: number): Operation | undefined {
    return this.#runners[thread]?.pending;
  }

  /** Whether events of the specification happen together with a thread's pending operation. */
  hasEvents(thread: number): boolean {
    return (this.#runners[thread]?.before.length ?? 0) > 0;
  }

  /** Whether it can take its turn, be it only that its time in `Atomics.wait` is over. */
  canMove(thread: number): boolean {
    return this.moves(thread) || this.canTimeOut(thread);
  }

  /** Whether a thread sleeps in `Atomics.wait` and has a limit of time. */
  canTimeOut(thread: number): boolean {
    const operation = this.pending(thread);
    return operation?.kind === Kind.ASLEEP && operation.b !== 0 && isAsleep(this.#sleepers, thread);
  }

  /** Whether a thread can go on, without the help of a limit of time. */
  moves(thread: number): boolean {
    const operation = this.pending(thread);
    if (operation === undefined || operation.kind === Kind.FAIL) return false;
    if (operation.kind === Kind.ASLEEP) return !isAsleep(this.#sleepers, thread);
    const value = operation.address < 0 ? 0 : this.contents[operation.address];
    return isEnabled(operation.kind, value, operation.a);
  }

  /** A state in which nothing moves is judged, whatever limits of time there are; a thread that failed is reported. */
  judge(): SpecViolation | undefined {
    if (this.violation !== undefined) return this.violation;
    for (const { failure } of this.#runners) if (failure !== undefined) return failure;
    if (this.#runners.some((_, thread) => this.moves(thread))) return undefined;
    const contents = withoutCounts(this.world.memory.words, this.contents);
    const asleep = this.#runners.map((_, thread) => isAsleep(this.#sleepers, thread));
    const view = { states: this.states, spec: this.#spec, contents, asleep };
    return underStandIn(() => this.world.atRest(view));
  }

  /** Identifies the whole state, but for how far counts have come: only which of those remembered are up to date. */
  fingerprint(): string {
    const threads = this.#runners.map(({ state, results }, thread) => {
      const addresses = this.#counts[thread];
      const shown = results.map((value, index) =>
        addresses[index] < 0 ? value : value === this.contents[addresses[index]] ? 'now' : 'before',
      );
      return [state, shown];
    });
    const contents = withoutCounts(this.world.memory.words, this.contents);
    return JSON.stringify([contents, threads, this.#sleepers, this.world.monitor.describe(this.#spec)]);
  }

  /**
   * Lets one thread do its pending operation.
   *
   * @throws HarnessFault when it cannot.
   */
  move({ thread, choice }: Move): ReplayStep {
    const runner = this.#runners[thread];
    const operation = runner?.pending;
    if (runner === undefined || operation === undefined || !this.canMove(thread)) {
      throw new HarnessFault('replay-mismatch', `Step ${this.steps.length + 1}: this thread cannot move`);
    }
    const { notes, place } = runner;
    const before = operation.address < 0 ? 0 : this.contents[operation.address];
    const result = this.#perform(thread, operation, choice);
    const events = runner.advance(result);
    const isCount = operation.kind === Kind.LOAD && this.world.memory.words[operation.address].isCount;
    const count = isCount ? operation.address : -1;
    this.#counts[thread] = runner.results.length === 0 ? [] : [...this.#counts[thread], count];
    this.#tell(events);
    const after = operation.address < 0 ? 0 : this.contents[operation.address];
    const step = {
      thread,
      choice,
      operation,
      notes,
      result,
      before,
      after,
      place,
      events,
      contents: [...this.contents],
      states: this.states,
    };
    this.steps.push(step);
    return step;
  }

  /** Notes of a thread after its last access. */
  notesOf(thread: number): readonly string[] {
    return this.#runners[thread]?.notes ?? [];
  }

  #perform(thread: number, { kind, address, a, b }: Operation, choice: number): number {
    if (!touchesMemory(kind)) return choice;
    const old = this.contents[address];
    if (concernsSleepers(kind)) {
      const { sleepers, result } = stepSleepers(this.#sleepers, kind, { thread, address }, old, a);
      this.#sleepers = sleepers;
      return result;
    }
    this.contents[address] = this.world.memory.words[address].unread ? 0 : valueAfter(kind, old, a, b);
    return resultOf(kind, old, a);
  }

  #tell(events: readonly SpecEvent[]): void {
    for (const event of events) {
      if (this.violation !== undefined) return;
      const next = this.world.monitor.next(this.#spec, event);
      if (typeof next === 'number') this.#spec = next;
      else this.violation = next;
    }
  }
}

/**
 * Runs threads by a schedule on weak memory. It shares with the explorer what an access may do (`weak-memory.ts`), and
 * no tables: here the whole history of stores is kept, and the code runs anew.
 */
import type { Protocol } from '../../interrupts/protocol.ts';
import { underStandIn } from '../atomics.ts';
import { HarnessFault } from '../fault.ts';
import {
  concernsSleepers,
  isEnabled,
  Kind,
  type Operation,
  resultOf,
  touchesMemory,
  valueAfter,
} from '../operations.ts';
import type { ReplayStep, WeakNote } from '../replay.ts';
import { populate, type Scenario } from '../scenario.ts';
import { withoutCounts } from '../shared-memory.ts';
import type { SpecEvent, SpecViolation } from '../spec-event.ts';
import { StepRunner } from '../step-runner.ts';
import { ThreadRunner } from '../thread-runner.ts';
import { VCPU_NAME } from '../world/vcpu.ts';
import type { World } from '../world/world.ts';
import { NAMED_ORDERINGS, type Ordering } from './orderings.ts';
import { makePromise, owed } from './promises.ts';
import type { OrderingOf } from './weak-access.ts';
import { seesAll } from './weak-encoding.ts';
import {
  arrive,
  finalWords,
  initialState,
  outcomes,
  type WeakOutcome,
  type WeakState,
} from './weak-memory.ts';
import type { WeakMove } from './weak-schedule.ts';
import type { WordUse } from './weak-search.ts';
import { isTimeout, WeakSleepers } from './weak-sleepers.ts';

type WeakReplayStep = ReplayStep & WeakMove & { readonly weak: WeakNote };

export class WeakReplay {
  readonly world: World;
  readonly steps: WeakReplayStep[] = [];
  /** The objection of the specification, if it has one. */
  violation: SpecViolation | undefined;
  readonly #runners: readonly ThreadRunner[];
  readonly #orderingOf: OrderingOf;
  readonly #use: WordUse;
  readonly #valuesOnly: boolean;
  readonly #sleepers: WeakSleepers;
  #state: WeakState;
  /** By time: the step that made, or promised, the store. */
  #storedBy: readonly number[] = [];
  #spec: number;

  /** @param protocol - the code that was explored: for a transcription the C code */
  constructor(
    protocol: Protocol,
    scenario: Scenario,
    orderingOf: OrderingOf,
    { use, valuesOnly = false }: { readonly use: WordUse; readonly valuesOnly?: boolean | undefined },
  ) {
    this.world = underStandIn(() => populate(protocol, scenario));
    const step = new StepRunner(this.world.memory);
    this.#runners = this.world.threads.map((thread) => new ThreadRunner(step, thread));
    this.#orderingOf = orderingOf;
    this.#use = use;
    this.#valuesOnly = valuesOnly;
    const { initial } = this.world.memory;
    this.#sleepers = new WeakSleepers(initial.length);
    this.#state = initialState(this.#runners.length, [...initial, 0]);
    this.#spec = this.world.monitor.initial;
    // Nothing that is read is older than the beginning.
    if (this.names.includes(VCPU_NAME)) this.#tell([{ is: 'look' }]);
  }

  get names(): string[] {
    return this.world.threads.map(({ name }) => name);
  }

  /** By thread: the JSON state in which its current step began, undefined when it has ended. */
  get states(): (string | undefined)[] {
    return this.#runners.map(({ state }) => state);
  }

  /** The content of each word in the end if nothing more is stored. */
  get contents(): readonly number[] {
    return finalWords(this.#state).slice(0, this.world.memory.words.length);
  }

  notesOf(thread: number): readonly string[] {
    return this.#runners[thread]?.notes ?? [];
  }

  pending(thread: number): Operation | undefined {
    return this.#runners[thread]?.pending;
  }

  /** Whether the thread has made a store ahead of its turn, and has not come to it yet. */
  owes(thread: number): boolean {
    return owed(this.#state, thread) > 0;
  }

  /** Whether a thread is about to access a word that is its own affair, and nothing happens besides. */
  isQuiet(thread: number): boolean {
    const operation = this.pending(thread);
    if (operation === undefined || !this.isOwn(operation) || this.violation !== undefined) return false;
    return this.#runners[thread].before.length === 0 && this.moves(thread).length > 0;
  }

  /** Whether an access is to a word that no other thread uses. */
  isOwn({ kind, address }: Operation): boolean {
    if (!touchesMemory(kind)) return false;
    const isUnread = this.world.memory.words[address].unread === true;
    return isUnread || (this.#use.owners.get(address) ?? -1) >= 0;
  }

  /** Every move of a thread but those that make a store ahead of its turn. */
  moves(thread: number): WeakMove[] {
    const operation = this.pending(thread);
    if (operation === undefined) return [];
    const { kind, address, a } = operation;
    const plain = { thread, choice: 0, behind: 0, promise: undefined, keeps: false };
    if (kind === Kind.CHOOSE) return Array.from({ length: a }, (_, choice) => ({ ...plain, choice }));
    if (!touchesMemory(kind)) return [];
    if (this.isOwn(operation)) return isEnabled(kind, this.#state.base[address], a) ? [plain] : [];
    return this.#outcomes(thread, operation).map((outcome) => {
      const keeps = this.#keeps(thread, outcome);
      return { ...plain, behind: this.#unseen(outcome, address, keeps).length, keeps };
    });
  }

  /** Whether an access may have this result in the search by this move; there a count has other values. */
  hasResult(move: WeakMove, result: number): boolean {
    const operation = this.pending(move.thread);
    const isCount = operation !== undefined && this.world.memory.words[operation.address]?.isCount === true;
    if (isCount && !concernsSleepers(operation.kind)) return true;
    return this.#do(move).result === result;
  }

  /** A state in which nothing moves is judged; a thread that failed is reported. */
  judge(): SpecViolation | undefined {
    if (this.violation !== undefined) return this.violation;
    for (const { failure } of this.#runners) if (failure !== undefined) return failure;
    if (this.#runners.some((_, thread) => this.#movesByItself(thread))) return undefined;
    const contents = withoutCounts(this.world.memory.words, this.contents);
    const asleep = this.#runners.map((_, thread) => this.#sleepers.isAsleep(this.#state, thread));
    const view = { states: this.states, spec: this.#spec, contents, asleep };
    return underStandIn(() => this.world.atRest(view));
  }

  /** Whether a thread can go on, without the help of a limit of time. */
  #movesByItself(thread: number): boolean {
    const kind = this.pending(thread)?.kind;
    return this.moves(thread).some((move) => kind === undefined || !isTimeout(kind, this.#do(move).result));
  }

  /**
   * Makes one move.
   *
   * @throws HarnessFault when it is not possible.
   */
  move(move: WeakMove): WeakReplayStep {
    return move.promise === undefined ? this.#access(move) : this.#promise(move, move.promise);
  }

  #access(move: WeakMove): WeakReplayStep {
    const runner = this.#runners[move.thread];
    const operation = this.pending(move.thread);
    if (runner === undefined || operation === undefined) throw this.#cannotMove();
    const { notes, place } = runner;
    const { result, state, unseen, since } = this.#do(move);
    const before = this.#beforeOf(operation, result);
    this.#state = state;
    if (state.messages.length > this.#storedBy.length)
      this.#storedBy = [...this.#storedBy, this.steps.length];
    const events = runner.advance(result);
    this.#arrive(move.thread);
    this.#tell(events);
    const thread = this.names[move.thread];
    if (move.keeps && thread !== VCPU_NAME) this.#tell([{ is: 'kept', thread }]);
    if (this.#isLook(move.thread)) this.#tell([{ is: 'look' }]);
    const { kind } = operation;
    const ordering = touchesMemory(kind) && !concernsSleepers(kind) && !this.isOwn(operation);
    const weak = {
      ordering: ordering ? this.#orderingAt(move.thread, operation) : undefined,
      unseen,
      since,
      isPromise: false,
    };
    return this.#record(move, { operation, notes, result, before, place, events }, weak);
  }

  /** Brings a thread to its next access. */
  #arrive(thread: number): void {
    const operation = this.pending(thread);
    if (operation === undefined || !touchesMemory(operation.kind) || this.isOwn(operation)) return;
    const ordering = concernsSleepers(operation.kind)
      ? NAMED_ORDERINGS.sc
      : this.#orderingAt(thread, operation);
    this.#state = arrive(this.#state, thread, ordering);
  }

  #promise(move: WeakMove, promise: { readonly address: number; readonly value: number }): WeakReplayStep {
    const { thread } = move;
    if (this.pending(thread) === undefined) throw this.#cannotMove();
    const { address, value } = promise;
    const before = this.contents[address];
    this.#state = makePromise(this.#state, thread, { word: address, value });
    this.#storedBy = [...this.#storedBy, this.steps.length];
    const name = this.names[thread];
    if (name !== VCPU_NAME) this.#tell([{ is: 'ahead', thread: name }]);
    const operation = { kind: Kind.STORE, address, a: value, b: 0 };
    const weak = { ordering: undefined, unseen: [], since: -1, isPromise: true };
    return this.#record(
      move,
      { operation, notes: [], result: value, before, place: undefined, events: [] },
      weak,
    );
  }

  #record(
    move: WeakMove,
    what: Pick<ReplayStep, 'operation' | 'notes' | 'result' | 'before' | 'place' | 'events'>,
    weak: WeakNote,
  ): WeakReplayStep {
    const { operation, before } = what;
    const { kind, address, a, b } = operation;
    const after =
      touchesMemory(kind) && !this.world.memory.words[address].unread
        ? valueAfter(kind, before, a, b)
        : before;
    const step = { ...move, ...what, after, contents: this.contents, states: this.states, weak };
    this.steps.push(step);
    return step;
  }

  /** The content of the word as the access found it. */
  #beforeOf({ kind, address }: Operation, result: number): number {
    if (address < 0) return 0;
    return kind === Kind.STORE || concernsSleepers(kind) ? this.contents[address] : result;
  }

  #do(move: WeakMove): {
    readonly result: number;
    readonly state: WeakState;
    readonly unseen: readonly number[];
    readonly since: number;
  } {
    const { thread, choice, behind, keeps } = move;
    const operation = this.pending(thread);
    if (operation === undefined) throw this.#cannotMove();
    const { kind, address, a, b } = operation;
    if (kind === Kind.CHOOSE && choice < a)
      return { result: choice, state: this.#state, unseen: [], since: -1 };
    if (!touchesMemory(kind)) throw this.#cannotMove();
    if (this.isOwn(operation)) {
      const old = this.#state.base[address];
      if (!isEnabled(kind, old, a)) throw this.#cannotMove();
      const value = this.world.memory.words[address].unread ? old : valueAfter(kind, old, a, b);
      const state = { ...this.#state, base: this.#state.base.with(address, value) };
      return { result: resultOf(kind, old, a), state, unseen: [], since: -1 };
    }
    for (const outcome of this.#outcomes(thread, operation)) {
      const unseen = this.#unseen(outcome, address, keeps);
      if (unseen.length !== behind || keeps !== this.#keeps(thread, outcome)) continue;
      const promised = this.#state.messages.findIndex(
        (one, index) => one.isPromised && outcome.state.messages[index]?.isPromised === false,
      );
      const since = keeps ? this.#storedBy[promised] : -1;
      return { result: outcome.result, state: outcome.state, unseen, since };
    }
    throw this.#cannotMove();
  }

  #outcomes(thread: number, operation: Operation): WeakOutcome[] {
    const { kind, address, a, b } = operation;
    if (concernsSleepers(kind)) return this.#sleepers.outcomes(this.#state, thread, operation);
    const ordering = this.#orderingAt(thread, operation);
    return outcomes(this.#state, thread, { kind, address, a, b, ordering });
  }

  #keeps(thread: number, { state }: WeakOutcome): boolean {
    return owed(state, thread) < owed(this.#state, thread);
  }

  /** The steps whose stores to the word are newer than what was read; they follow on what takes its promised place. */
  #unseen({ readFrom }: WeakOutcome, address: number, keeps: boolean): number[] {
    if (readFrom < 0 || keeps) return [];
    return this.#state.messages.flatMap(({ location }, index) =>
      location === address && index >= readFrom ? [this.#storedBy[index]] : [],
    );
  }

  #orderingAt(thread: number, { kind, address, a, within }: Operation): Ordering {
    const { name } = this.world.memory.words[address];
    return this.#orderingOf({ thread: this.names[thread], word: name, kind, operand: a, within });
  }

  /** Whether whatever the vCPU's thread reads from now on is not older than now. */
  #isLook(thread: number): boolean {
    if (this.names[thread] !== VCPU_NAME) return false;
    const { readers } = this.#use;
    return seesAll(this.#state, thread, (word) => (((readers.get(word) ?? 0) >>> thread) & 1) !== 0);
  }

  #tell(events: readonly SpecEvent[]): void {
    for (const event of this.#valuesOnly ? [] : events) {
      if (this.violation !== undefined) return;
      const next = this.world.monitor.next(this.#spec, event);
      if (typeof next === 'number') this.#spec = next;
      else this.violation = next;
    }
  }

  #cannotMove(): HarnessFault {
    return new HarnessFault('replay-mismatch', `Step ${this.steps.length + 1}: this thread cannot do that`);
  }
}

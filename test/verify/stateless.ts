/**
 * A second search through the same threads, to hold against the explorer: depth first, without a table of states.
 *
 * It goes through executions and not through states, so it shares neither fingerprints nor graphs nor the explorer's
 * shortcut for private words. Executions that differ only in the order of independent steps count as one: dynamic
 * partial-order reduction with source sets and sleep sets (Abdulla and others, POPL 2014). It knows no loops: an
 * execution that comes back to a state where it has been ends the search, and nothing is said then.
 */
import type { RestView } from '../../src/verify/explorer.ts';
import {
  concernsSleepers,
  isEnabled,
  Kind,
  type Operation,
  resultOf,
  touchesMemory,
  valueAfter,
} from '../../src/verify/operations.ts';
import { withoutCounts } from '../../src/verify/shared-memory.ts';
import { isAsleep, type Sleeper, stepSleepers } from '../../src/verify/sleepers.ts';
import type { SpecEvent } from '../../src/verify/spec-event.ts';
import { type StepOutcome, StepRunner } from '../../src/verify/step-runner.ts';
import type { World } from '../../src/verify/world/world.ts';

/** The findings of a search through executions. */
export interface StatelessResult {
  /** Ends of executions in which nothing moves, without repetition. */
  readonly rests: readonly RestView[];
  /**
   * Ends by an objection of the specification, or by an error of the code: property and message, without repetition.
   */
  readonly violations: readonly string[];
  /** Executions that were followed to an end. */
  readonly executions: number;
  /** Steps of all executions. */
  readonly steps: number;
  /** Why the search gave up; its results are then worth nothing. */
  readonly gaveUp?: string;
}

/** How much is left out: every interleaving, or one of those that differ in the order of independent steps only. */
export type Reduction = 'none' | 'sleep sets' | 'dpor';

/** One thread in the middle of its step. */
interface Runner {
  readonly state: string | undefined;
  readonly results: readonly number[];
  readonly carried: readonly SpecEvent[];
  readonly outcome: StepOutcome;
}

/** A whole state; never changed. */
interface Situation {
  readonly contents: readonly number[];
  readonly runners: readonly Runner[];
  readonly sleepers: readonly Sleeper[];
  readonly spec: number;
  readonly violation: string | undefined;
}

/** Two steps with the same address here, of which one writes, are not independent; nor are two that tell. */
interface Footprint {
  /** -1 when the step touches no word that anybody could read. */
  readonly address: number;
  readonly writes: boolean;
  /** Whether the specification is told something. */
  readonly tells: boolean;
}

interface Move {
  readonly thread: number;
  readonly choice: number;
  readonly footprint: Footprint;
  readonly to: Situation;
}

/** A state on the path of the execution in progress. */
interface Place {
  readonly situation: Situation;
  readonly enabled: ReadonlySet<number>;
  readonly backtrack: Set<number>;
  readonly done: Set<number>;
  readonly sleep: ReadonlyMap<number, Footprint>;
}

/** A step on that path: by thread, how many of its steps happen before this one or are it. */
interface Taken {
  readonly thread: number;
  readonly footprint: Footprint;
  readonly clock: readonly number[];
}

class GivenUp extends Error {}

function dependent(one: Footprint, other: Footprint): boolean {
  if (one.tells && other.tells) return true;
  return one.address >= 0 && one.address === other.address && (one.writes || other.writes);
}

/** Searches all executions of a world's threads. Runs under the checker's `Atomics`. */
export function searchExecutions(world: World, reduction: Reduction, maxSteps: number): StatelessResult {
  const search = new Search(world, reduction, maxSteps);
  try {
    search.run();
  } catch (error) {
    if (!(error instanceof GivenUp)) throw error;
    return { ...search.result(), gaveUp: error.message };
  }
  return search.result();
}

class Search {
  readonly #world: World;
  readonly #reduction: Reduction;
  readonly #maxSteps: number;
  readonly #step: StepRunner;
  readonly #outcomes = new Map<string, StepOutcome>();
  readonly #places: Place[] = [];
  readonly #taken: Taken[] = [];
  readonly #onPath = new Set<string>();
  readonly #rests = new Map<string, RestView>();
  readonly #violations = new Set<string>();
  #executions = 0;
  #steps = 0;

  constructor(world: World, reduction: Reduction, maxSteps: number) {
    this.#world = world;
    this.#reduction = reduction;
    this.#maxSteps = maxSteps;
    this.#step = new StepRunner(world.memory);
  }

  run(): void {
    this.#visit(this.#initial(), new Map());
  }

  result(): StatelessResult {
    return {
      rests: [...this.#rests.values()],
      violations: [...this.#violations],
      executions: this.#executions,
      steps: this.#steps,
    };
  }

  #visit(situation: Situation, sleep: ReadonlyMap<number, Footprint>): void {
    const threads = situation.runners.map((_, thread) => thread);
    const enabled = new Set(threads.filter((thread) => this.#canMove(situation, thread)));
    const ends = situation.violation !== undefined || enabled.size === 0;
    for (const thread of threads) if (ends || !enabled.has(thread)) this.#reversePending(situation, thread);
    if (ends) {
      this.#end(situation);
      return;
    }
    const key = JSON.stringify([
      situation.contents,
      situation.sleepers,
      situation.runners.map(({ state, results }) => [state, results]),
    ]);
    if (this.#onPath.has(key)) throw new GivenUp('an execution comes back to a state where it has been');
    this.#onPath.add(key);
    const place = { situation, enabled, backtrack: new Set<number>(), done: new Set<number>(), sleep };
    this.#places.push(place);
    this.#follow(place);
    this.#places.pop();
    this.#onPath.delete(key);
  }

  #follow(place: Place): void {
    const { situation, enabled, backtrack, done } = place;
    const sleep = new Map(place.sleep);
    const awake = [...enabled].filter((thread) => !sleep.has(thread));
    if (this.#reduction === 'dpor') for (const thread of awake.slice(0, 1)) backtrack.add(thread);
    else for (const thread of awake) backtrack.add(thread);
    for (;;) {
      const thread = [...backtrack].find((each) => !done.has(each));
      if (thread === undefined) return;
      done.add(thread);
      if (sleep.has(thread)) continue;
      const moves = this.#movesOf(situation, thread);
      for (const move of moves) this.#take(move, sleep);
      if (this.#reduction !== 'none') sleep.set(thread, union(moves));
    }
  }

  #take(move: Move, sleep: ReadonlyMap<number, Footprint>): void {
    if (++this.#steps > this.#maxSteps) throw new GivenUp(`more than ${this.#maxSteps} steps`);
    const { thread, footprint, to } = move;
    const clock = this.#clockOfNext(thread, footprint);
    if (this.#reduction === 'dpor') this.#reverseRaces(thread, footprint, clock);
    this.#taken.push({ thread, footprint, clock });
    const asleep = [...sleep].filter(([other, its]) => other !== thread && !dependent(its, footprint));
    this.#visit(to, new Map(asleep));
    this.#taken.pop();
  }

  /** A thread that is not going to move could have had its turn before the step that made it wait. */
  #reversePending(situation: Situation, thread: number): void {
    const { operation, before } = situation.runners[thread].outcome;
    if (this.#reduction !== 'dpor' || operation === undefined) return;
    const footprint = { ...this.#footprint(operation), tells: before.length > 0 };
    this.#reverseRaces(thread, footprint, this.#clockOfNext(thread, footprint));
  }

  /** Steps so far, by thread, that happen before the next step of `thread`, and that step itself. */
  #clockOfNext(thread: number, footprint: Footprint): number[] {
    const clock = this.#world.threads.map(() => 0);
    for (const earlier of this.#taken) {
      if (earlier.thread === thread || dependent(earlier.footprint, footprint)) merge(clock, earlier.clock);
    }
    clock[thread]++;
    return clock;
  }

  /** Wherever this step and an earlier one could have come in the other order, has that order tried as well. */
  #reverseRaces(thread: number, footprint: Footprint, clock: readonly number[]): void {
    const last = this.#taken.findLast((taken) => taken.thread === thread);
    const known = [...(last?.clock ?? this.#world.threads.map(() => 0))];
    for (let index = this.#taken.length - 1; index >= 0; index--) {
      const earlier = this.#taken[index];
      if (earlier.thread === thread || !dependent(earlier.footprint, footprint)) continue;
      if (earlier.clock[earlier.thread] > known[earlier.thread]) this.#reverse(index, thread, clock);
      merge(known, earlier.clock);
    }
  }

  /**
   * At the place of step `index`: what follows it without depending on it, and then the next step of `thread`, can
   * come first. One of the threads that can begin that order is enough.
   */
  #reverse(index: number, thread: number, clock: readonly number[]): void {
    const { thread: reversed, clock: its } = this.#taken[index];
    const free = this.#taken.slice(index + 1).filter((later) => later.clock[reversed] < its[reversed]);
    const order = [...free, { thread, clock }];
    const firsts = order.filter((step, at) => {
      const before = order.slice(0, at);
      return !before.some((other) => other.thread === step.thread || happensBefore(other, step));
    });
    const { enabled, backtrack, sleep } = this.#places[index];
    if (firsts.some((first) => backtrack.has(first.thread) || sleep.has(first.thread))) return;
    const able = firsts.find((first) => enabled.has(first.thread));
    if (able !== undefined) backtrack.add(able.thread);
    else for (const other of enabled) backtrack.add(other);
  }

  #footprint({ kind, address }: Operation): Omit<Footprint, 'tells'> {
    const seen = address >= 0 && !this.#world.memory.words[address].unread;
    // Sleeping and waking count as writes of the word: too much dependence costs time and nothing else.
    const reads = kind === Kind.LOAD || kind === Kind.AWAIT_EQUAL || kind === Kind.AWAIT_DIFFERENT;
    return { address: seen ? address : -1, writes: !reads };
  }

  /** A limit of time is a move like any other here: only ends without any are told of. */
  #canMove({ contents, runners, sleepers }: Situation, thread: number): boolean {
    const { operation } = runners[thread].outcome;
    if (operation === undefined) return false;
    if (operation.kind === Kind.ASLEEP) return operation.b !== 0 || !isAsleep(sleepers, thread);
    return isEnabled(operation.kind, operation.address < 0 ? 0 : contents[operation.address], operation.a);
  }

  #movesOf(situation: Situation, thread: number): Move[] {
    const { operation } = situation.runners[thread].outcome;
    if (operation === undefined) return [];
    const ways = operation.kind === Kind.CHOOSE ? operation.a : 1;
    return Array.from({ length: ways }, (_, choice) => this.#move(situation, thread, operation, choice));
  }

  #move(situation: Situation, thread: number, operation: Operation, choice: number): Move {
    const runner = situation.runners[thread];
    const contents = [...situation.contents];
    let result = choice;
    let { sleepers } = situation;
    if (concernsSleepers(operation.kind)) {
      const sleeper = { thread, address: operation.address };
      const value = contents[operation.address];
      ({ sleepers, result } = stepSleepers(sleepers, operation.kind, sleeper, value, operation.a));
    } else if (touchesMemory(operation.kind)) {
      const old = contents[operation.address];
      if (!this.#world.memory.words[operation.address].unread) {
        contents[operation.address] = valueAfter(operation.kind, old, operation.a, operation.b);
      }
      result = resultOf(operation.kind, old, operation.a);
    }
    const next = this.#advance(thread, { ...runner, results: [...runner.results, result] });
    const events = [...runner.outcome.before, ...next.events];
    const runners = situation.runners.map((other, index) => (index === thread ? next.runner : other));
    const footprint = { ...this.#footprint(operation), tells: events.length > 0 };
    const to = this.#tell(
      { contents, runners, sleepers, spec: situation.spec, violation: undefined },
      events,
    );
    return { thread, choice, footprint, to };
  }

  #tell(situation: Situation, events: readonly SpecEvent[]): Situation {
    let { spec } = situation;
    for (const event of events) {
      const next = this.#world.monitor.next(spec, event);
      if (typeof next !== 'number') return { ...situation, violation: `${next.property}: ${next.message}` };
      spec = next;
    }
    const failure = situation.runners
      .map(({ outcome }) => outcome.failure)
      .find((each) => each !== undefined);
    const violation = failure === undefined ? undefined : `${failure.property}: ${failure.message}`;
    return { ...situation, spec, violation };
  }

  /** Runs a thread up to its next access, through as many steps as it takes. */
  #advance(thread: number, from: Omit<Runner, 'outcome'>): { runner: Runner; events: SpecEvent[] } {
    const events: SpecEvent[] = [];
    let { state, results, carried } = from;
    for (let silent = 0; silent < 1000; silent++) {
      const outcome = this.#run(thread, state ?? 'null', results, carried);
      events.push(...outcome.after);
      if (outcome.operation !== undefined) return { runner: { state, results, carried, outcome }, events };
      carried = outcome.before;
      results = [];
      if (outcome.next === null) {
        events.push(...carried);
        return { runner: { state: undefined, results: [], carried: [], outcome }, events };
      }
      state = outcome.next;
    }
    throw new GivenUp(`${this.#world.threads[thread].name} goes on without an access`);
  }

  #run(
    thread: number,
    state: string,
    results: readonly number[],
    carried: readonly SpecEvent[],
  ): StepOutcome {
    const key = JSON.stringify([thread, state, results, carried]);
    const known =
      this.#outcomes.get(key) ?? this.#step.run(this.#world.threads[thread], state, results, carried);
    this.#outcomes.set(key, known);
    return known;
  }

  #initial(): Situation {
    const { memory, monitor, threads } = this.#world;
    const started = threads.map(({ initial }, thread) =>
      this.#advance(thread, { state: JSON.stringify(initial), results: [], carried: [] }),
    );
    const runners = started.map(({ runner }) => runner);
    const empty = {
      contents: [...memory.initial],
      runners,
      sleepers: [],
      spec: monitor.initial,
      violation: undefined,
    };
    return this.#tell(
      empty,
      started.flatMap(({ events }) => events),
    );
  }

  #end({ contents, runners, sleepers, spec, violation }: Situation): void {
    this.#executions++;
    if (violation !== undefined) {
      this.#violations.add(violation);
      return;
    }
    const view = {
      states: runners.map(({ state }) => state),
      spec,
      contents: withoutCounts(this.#world.memory.words, contents),
      asleep: runners.map((_, thread) => isAsleep(sleepers, thread)),
    };
    this.#rests.set(JSON.stringify(view), view);
  }
}

function merge(clock: number[], other: readonly number[]): void {
  for (const [index, count] of other.entries()) clock[index] = Math.max(clock[index], count);
}

function happensBefore(one: Pick<Taken, 'thread' | 'clock'>, other: Pick<Taken, 'clock'>): boolean {
  return other.clock[one.thread] >= one.clock[one.thread];
}

/** The footprint of all ways of a step together. */
function union(moves: readonly Move[]): Footprint {
  const [first] = moves;
  return { ...first.footprint, tells: moves.some(({ footprint }) => footprint.tells) };
}

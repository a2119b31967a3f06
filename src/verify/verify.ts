import type { Protocol } from '../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from './atomics.ts';
import type { EveryNumber, EveryNumberAnswers } from './crowd/every-number.ts';
import {
  type Bounds,
  explore,
  type Found,
  type Problem,
  type Progress,
  type SearchResult,
} from './explorer.ts';
import { type FaultKind, HarnessFault } from './fault.ts';
import type { Weakening } from './memory/orderings.ts';
import { concernsSleepers } from './operations.ts';
import type { PropertyId } from './property.ts';
import { Replay, type ReplayedRun, type ReplayStep } from './replay.ts';
import { populate, type Scenario } from './scenario.ts';
import { formatSchedule, type Move, parseSchedule } from './schedule.ts';
import { ThreadPrograms } from './thread-programs.ts';

/** How an exploration can end. */
export type VerdictName = 'PROVEN' | 'VIOLATED' | 'NOT PROVEN' | 'FAULT';

/** Exit statuses of a run of the checker, by verdict and by kind of fault. */
export const VERIFY_STATUS: Readonly<Record<Exclude<VerdictName, 'FAULT'> | FaultKind, number>> = {
  PROVEN: 0,
  VIOLATED: 1,
  'NOT PROVEN': 2,
  'non-determinism': 3,
  'plain-access': 4,
  'swallowed-suspension': 5,
  'endless-step': 6,
  'unsupported-access': 7,
  'replay-mismatch': 8,
};

const BY_WEIGHT: readonly VerdictName[] = ['PROVEN', 'NOT PROVEN', 'VIOLATED', 'FAULT'];

/** The exit status for one or several results: that of the gravest verdict, and a fault outweighs all verdicts. */
export function statusOf(results: readonly VerifyResult[]): number {
  const gravest = results.reduce<VerifyResult | undefined>(
    (worst, each) =>
      worst === undefined || BY_WEIGHT.indexOf(each.verdict) > BY_WEIGHT.indexOf(worst.verdict)
        ? each
        : worst,
    undefined,
  );
  if (gravest === undefined) return VERIFY_STATUS.PROVEN;
  if (gravest.verdict !== 'FAULT') return VERIFY_STATUS[gravest.verdict];
  return VERIFY_STATUS[gravest.fault?.kind ?? 'replay-mismatch'];
}

/** The exit status of several runs: the gravest of theirs. */
export function gravestStatus(statuses: readonly number[]): number {
  const order: readonly number[] = [
    VERIFY_STATUS.PROVEN,
    VERIFY_STATUS['NOT PROVEN'],
    VERIFY_STATUS.VIOLATED,
  ];
  const weight = (status: number) => (order.includes(status) ? order.indexOf(status) : order.length);
  return statuses.reduce(
    (worst, each) => (weight(each) > weight(worst) ? each : worst),
    VERIFY_STATUS.PROVEN,
  );
}

export interface VerifyOptions {
  /** Default 50 million. */
  readonly maxStates?: number;
  /** Milliseconds; default 10 minutes. */
  readonly maxTime?: number;
  /** Bytes of all tables; default 4 GB. */
  readonly maxBytes?: number;
  /**
   * Asks, of a scenario with senders that is proven, whether it is for every number of them; answers are kept there.
   */
  readonly everyNumber?: EveryNumberAnswers;
  readonly onProgress?: (progress: Progress) => void;
  /** Monotonic time in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** A shortest way to break a property, replayed on plain memory before it is reported. */
export interface Counterexample {
  readonly property: PropertyId;
  readonly message: string;
  /** The interrupt that it is about. */
  readonly irq: number;
  /** The schedule, access by access; `replay` runs it again. */
  readonly schedule: string;
  /** Accesses to words that threads share, and choices: the length of the counterexample. */
  readonly length: number;
  /** All accesses, in order. Those of `quiet` touch words that no other thread uses. */
  readonly steps: readonly ReplayStep[];
  /** Indices into `steps`. */
  readonly quiet: ReadonlySet<number>;
  /** How many of the last steps repeat for ever; 0 when the run ends. */
  readonly loop: number;
  /** The world in which it was replayed: names of words and threads. */
  readonly replay: ReplayedRun;
  /** On weak memory. */
  readonly weak?: {
    /** The order that was taken away from the C code. */
    readonly missing: Weakening | undefined;
    /**
     * How many of the last steps come after the violation: those of a thread that had made a store ahead of its turn.
     */
    readonly tail: number;
  };
}

export interface VerifyResult {
  readonly protocol: string;
  readonly scenario: string;
  readonly verdict: VerdictName;
  /** One sentence: what was found, or why there is no verdict. */
  readonly reason: string;
  readonly counterexample?: Counterexample;
  /** Of a scenario that is proven, with other numbers of senders; when that was asked and it has senders. */
  readonly everyNumber?: EveryNumber;
  readonly fault?: { readonly kind: FaultKind; readonly message: string };
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** States in which nothing moves and nothing is wrong. */
  readonly restStates: number;
  /** How many times a step of production code was run. */
  readonly codeRuns: number;
  readonly specStates: number;
  readonly milliseconds: number;
  readonly bytes: number;
  /** Upper estimate of the probability that a state was missed because two fingerprints are equal. */
  readonly collisionProbability: number;
  /** The proof rests on these beyond the model: loops that were recognised as waiting. */
  readonly assumptions: readonly string[];
}

const DEFAULT_BOUNDS: Bounds = { maxStates: 50_000_000, maxTime: 600_000, maxBytes: 4 * 2 ** 30 };

/**
 * Explores a protocol in a scenario, all of it, under sequential consistency, which is what JavaScript guarantees.
 *
 * Runs synchronously. While it runs, `globalThis.Atomics` of this thread is a stand-in that answers as the engine's own
 * to everybody but the explored code.
 */
export function verify(protocol: Protocol, scenario: Scenario, options: VerifyOptions = {}): VerifyResult {
  const { onProgress = () => undefined, now = () => performance.now() } = options;
  const bounds: Bounds = { ...DEFAULT_BOUNDS, ...definedOnly(options) };
  const started = now();
  installAtomics();
  try {
    const world = populate(protocol, scenario);
    const programs = new ThreadPrograms(world.threads, world.memory, { sleepers: true });
    const mustRest = scenario.mustRest ?? true;
    const problem: Problem = { programs, monitor: world.monitor, atRest: world.atRest, mustRest };
    const result = explore(problem, bounds, onProgress, now);
    const counterexample =
      result.found === undefined ? undefined : confirm(protocol, scenario, programs, result.found);
    const found = report(protocol, scenario, programs, world.monitor.size, result, counterexample);
    if (options.everyNumber === undefined || found.verdict !== 'PROVEN') return found;
    const everyNumber = options.everyNumber.answer(protocol, scenario, {
      bounds,
      onProgress,
      now,
      explored: programs,
      verify: (counted, maxStates) =>
        verify(protocol, counted, {
          ...definedOnly(options),
          now,
          maxStates: Math.min(maxStates, bounds.maxStates),
        }),
    });
    return everyNumber === undefined ? found : { ...found, everyNumber };
  } catch (error) {
    if (!(error instanceof HarnessFault)) throw error;
    return faulty(protocol, scenario, error, now() - started);
  } finally {
    uninstallAtomics();
  }
}

/**
 * Runs a schedule again.
 *
 * @throws InputError when the schedule does not fit the scenario's threads.
 * @throws HarnessFault when a thread cannot move where the schedule says so.
 */
export function replay(protocol: Protocol, scenario: Scenario, schedule: string): Replay {
  const run = new Replay(protocol, scenario);
  for (const move of parseSchedule(schedule, run.names)) run.move(move);
  return run;
}

function definedOnly(options: VerifyOptions): Partial<Bounds> {
  const { maxStates, maxTime, maxBytes } = options;
  return Object.fromEntries(
    Object.entries({ maxStates, maxTime, maxBytes }).filter(([, value]) => value !== undefined),
  );
}

/** Replays what the explorer found, step by step, and checks that it ends as the explorer says. */
function confirm(
  protocol: Protocol,
  scenario: Scenario,
  programs: ThreadPrograms,
  found: Found,
): Counterexample {
  const first = new Replay(protocol, scenario);
  const quiet = new Set<number>();
  const moves = expandPath(first, programs, found.path, quiet);
  const loop = found.property === 'P5' ? walkInCircles(first, moves) : 0;
  const names = first.names;
  const schedule = formatSchedule(moves, names);
  const second = new Replay(protocol, scenario);
  if (moves.length > 0) for (const move of parseSchedule(schedule, names)) second.move(move);
  const verdict = second.judge();
  const { property, message } = found;
  if (found.property !== 'P5' && (verdict?.property !== property || verdict.message !== message)) {
    throw new HarnessFault(
      'replay-mismatch',
      `The explorer found ${property} (${message}) by schedule ${schedule}, but the replay ends with ${verdict?.message ?? 'nothing wrong'}`,
    );
  }
  const length = second.steps.length - quiet.size;
  const irq = found.irq ?? first.world.edges[0];
  return { property, message, irq, schedule, length, steps: second.steps, quiet, loop, replay: second };
}

/** Turns the explorer's steps into single accesses: a step takes the accesses to the thread's own words along. */
function expandPath(
  run: Replay,
  programs: ThreadPrograms,
  path: readonly number[],
  quiet: Set<number>,
): Move[] {
  const owners = new Map(programs.slots.map((address, slot) => [address, programs.ownerOfSlot[slot]]));
  const moves: Move[] = [];
  const settle = (thread: number) => {
    for (;;) {
      const operation = run.pending(thread);
      const own = operation !== undefined && owners.get(operation.address) === thread;
      if (operation !== undefined && concernsSleepers(operation.kind)) return;
      if (!own || run.hasEvents(thread) || !run.canMove(thread) || run.violation !== undefined) return;
      quiet.add(moves.length);
      moves.push({ thread, choice: 0 });
      run.move({ thread, choice: 0 });
    }
  };
  for (const thread of run.names.keys()) settle(thread);
  for (const code of path) {
    const move = { thread: code >> 4, choice: code & 15 };
    moves.push(move);
    run.move(move);
    settle(move.thread);
  }
  return moves;
}

/** From a state that never comes to rest: goes on until a state repeats. Returns the length of the circle. */
function walkInCircles(run: Replay, moves: Move[]): number {
  const seen = new Map<string, number>();
  for (let turn = 0; turn < 2000; turn++) {
    const key = run.fingerprint();
    const before = seen.get(key);
    if (before !== undefined) return moves.length - before;
    seen.set(key, moves.length);
    const thread = run.names.findIndex((_, index) => run.canMove(index));
    if (thread < 0) return 0;
    moves.push({ thread, choice: 0 });
    run.move({ thread, choice: 0 });
  }
  return 0;
}

function report(
  protocol: Protocol,
  scenario: Scenario,
  programs: ThreadPrograms,
  specStates: number,
  result: SearchResult,
  counterexample: Counterexample | undefined,
): VerifyResult {
  const {
    found,
    bounded,
    states,
    transitions,
    depth,
    restStates,
    milliseconds,
    bytes,
    collisionProbability,
  } = result;
  const verdict = found !== undefined ? 'VIOLATED' : bounded !== undefined ? 'NOT PROVEN' : 'PROVEN';
  const reason =
    found !== undefined
      ? `${found.property}: ${found.message}`
      : (bounded ?? `every one of the ${states} states was explored`);
  return {
    protocol: protocol.name,
    scenario: scenario.name,
    verdict,
    reason,
    ...(counterexample === undefined ? {} : { counterexample }),
    states,
    transitions,
    depth,
    restStates,
    codeRuns: programs.runs,
    specStates,
    milliseconds,
    bytes,
    collisionProbability,
    assumptions: [...programs.spins].map(
      (word) => `a loop that waits for ${word} does not count its rounds (tested for a few rounds)`,
    ),
  };
}

function faulty(
  protocol: Protocol,
  scenario: Scenario,
  fault: HarnessFault,
  milliseconds: number,
): VerifyResult {
  return {
    protocol: protocol.name,
    scenario: scenario.name,
    verdict: 'FAULT',
    reason: fault.message,
    fault: { kind: fault.kind, message: fault.message },
    states: 0,
    transitions: 0,
    depth: 0,
    restStates: 0,
    codeRuns: 0,
    specStates: 0,
    milliseconds,
    bytes: 0,
    collisionProbability: 0,
    assumptions: [],
  };
}

/** A counterexample made ready for real threads, and what to think of what they did. */
import { InputError } from '../../errors/input-error.ts';
import type { Protocol } from '../../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from '../atomics.ts';
import { describeStep } from '../describe.ts';
import { HarnessFault } from '../fault.ts';
import { loadPlugin } from '../plugin.ts';
import type { Replay } from '../replay.ts';
import { populate, type Scenario } from '../scenario.ts';
import { type Move, parseSchedule } from '../schedule.ts';
import { select } from '../selection.ts';
import { withoutCounts } from '../shared-memory.ts';
import { replay, verify } from '../verify.ts';
import type { World } from '../world/world.ts';
import type { RealStep, ReplayThreadResult } from './replay-thread.ts';

/** The counterexample to replay. */
export interface ReplayRequest {
  readonly file?: { readonly url: string; readonly shown: string };
  readonly protocol: string;
  readonly scenario: string;
  /** As `explain` prints it; without one, the shortest counterexample is looked for. */
  readonly schedule?: string;
}

/** One move as it went on plain memory. */
export interface PlannedStep {
  readonly thread: string;
  readonly text: string;
  readonly notes: readonly string[];
  readonly address: number;
  readonly before: number;
  readonly after: number;
  /** A counter whose value the checker leaves out. */
  readonly unread: boolean;
}

export interface ReplayPlan {
  readonly schedule: string;
  readonly moves: readonly Move[];
  /** Names of the threads. */
  readonly names: readonly string[];
  readonly steps: readonly PlannedStep[];
  /** Initial contents of all words. */
  readonly initial: readonly number[];
  /** The outcome of the replay on plain memory. */
  readonly outcome: string;
}

/** A run on real threads, to be judged. */
export interface RealRun {
  readonly steps: readonly RealStep[];
  readonly results: readonly ReplayThreadResult[];
  readonly contents: readonly number[];
}

const NOTHING_WRONG = 'nothing wrong';

/**
 * Finds the schedule and runs it on plain memory.
 *
 * @throws InputError when the protocol has no counterexample there, or the schedule does not fit.
 */
export async function planReplay(request: ReplayRequest): Promise<ReplayPlan> {
  const { protocol, scenario } = await findPair(request);
  const schedule = request.schedule ?? findSchedule(protocol, scenario);
  const run = runPlain(protocol, scenario, schedule);
  return {
    schedule,
    moves: parseSchedule(schedule, run.names),
    names: run.names,
    steps: plannedSteps(run),
    initial: run.world.memory.initial.map((value) => value | 0),
    outcome: run.judge()?.message ?? NOTHING_WRONG,
  };
}

/** @throws InputError naming what there is, when a name fits nothing. */
export async function findPair(request: ReplayRequest): Promise<{ protocol: Protocol; scenario: Scenario }> {
  const { file } = request;
  const plugin = file === undefined ? undefined : await loadPlugin(file.url, file.shown);
  const wanted = { protocols: [request.protocol], scenarios: [request.scenario] };
  const { protocols, scenarios } = select(wanted, plugin);
  return { protocol: protocols[0], scenario: scenarios[0] };
}

function findSchedule(protocol: Protocol, scenario: Scenario): string {
  const { counterexample, verdict, reason } = verify(protocol, scenario);
  if (counterexample !== undefined) return counterexample.schedule;
  throw new InputError(
    `${protocol.name} has no counterexample in ${scenario.name} (${verdict}: ${reason}). To see what a schedule does ` +
      'to it all the same, give the schedule, as the explanation of another protocol prints it.',
  );
}

function runPlain(protocol: Protocol, scenario: Scenario, schedule: string): Replay {
  try {
    return replay(protocol, scenario, schedule);
  } catch (error) {
    if (!(error instanceof HarnessFault)) throw error;
    throw new InputError(`The schedule does not fit ${protocol.name} in ${scenario.name}. ${error.message}.`);
  }
}

function plannedSteps(run: Replay): PlannedStep[] {
  const words = run.world.memory.words;
  const irq = run.world.edges[0];
  return run.steps.map((step) => ({
    thread: run.names[step.thread],
    text: describeStep(step, run, irq).text,
    notes: step.notes,
    address: step.operation.address,
    before: step.before | 0,
    after: step.after | 0,
    unread: words[step.operation.address]?.unread === true,
  }));
}

/** Lets the specification judge a run on real threads by what these told, as it judges an exploration. */
export async function judgeRun(
  request: ReplayRequest,
  { steps, results, contents }: RealRun,
): Promise<string> {
  const { protocol, scenario } = await findPair(request);
  const failure = results.map((result) => result.failure).find((each) => each !== undefined);
  if (failure !== undefined) return failure.message;
  const world = makeWorld(protocol, scenario);
  let spec = world.monitor.initial;
  for (const event of steps.flatMap(({ events }) => events)) {
    const next = world.monitor.next(spec, event);
    if (typeof next !== 'number') return next.message;
    spec = next;
  }
  if (results.some(({ canMove }) => canMove)) return NOTHING_WRONG;
  const states = results.map(({ state }) => state);
  const asleep = results.map((result) => result.isAsleep);
  installAtomics();
  try {
    const view = { states, spec, contents: withoutCounts(world.memory.words, contents), asleep };
    return world.atRest(view)?.message ?? NOTHING_WRONG;
  } finally {
    uninstallAtomics();
  }
}

function makeWorld(protocol: Protocol, scenario: Scenario): World {
  installAtomics();
  try {
    return populate(protocol, scenario);
  } finally {
    uninstallAtomics();
  }
}

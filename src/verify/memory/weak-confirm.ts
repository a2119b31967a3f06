/** Turns what the weak search has found into a counterexample that has been run again from its schedule. */
import type { Protocol } from '../../interrupts/protocol.ts';
import { HarnessFault } from '../fault.ts';
import type { Scenario } from '../scenario.ts';
import type { SpecViolation } from '../spec-event.ts';
import type { Counterexample } from '../verify.ts';
import type { Weakening } from './orderings.ts';
import { WeakReplay } from './weak-replay.ts';
import { formatWeakSchedule, parseWeakSchedule, type WeakMove } from './weak-schedule.ts';
import type { OrderingOf, WeakSearchResult, WeakStep, WordUse } from './weak-search.ts';

/** The explored protocol and scenario. */
export interface WeakSubject {
  /** The C code. */
  readonly code: Protocol;
  readonly scenario: Scenario;
  readonly orderingOf: OrderingOf;
  readonly valuesOnly?: boolean | undefined;
  /** The order that was taken away. */
  readonly missing?: Weakening | undefined;
}

type Found = NonNullable<WeakSearchResult['found']>;

/** How often a path is tried with other stores of the same value. */
const MOST_TRIES = 500;

/** How many accesses a thread may need to come to a store that has taken effect ahead of its turn. */
const LONGEST_TAIL = 12;

/**
 * Replays what was found.
 *
 * @throws HarnessFault when it does not end as the search says.
 */
export function confirmWeakly(subject: WeakSubject, found: Found): Counterexample {
  const { moves, quiet, length } = expand(subject, found);
  const tail = tailOf(subject, found.use, moves);
  const all = [...moves, ...tail];
  const first = begin(subject, found.use);
  const { names } = first;
  const { words } = first.world.memory;
  const schedule = formatWeakSchedule(all, names, words);
  const replay = begin(subject, found.use);
  if (all.length > 0) for (const move of parseWeakSchedule(schedule, names, words)) replay.move(move);
  if (!endsAs(replay, found)) throw mismatch(found, schedule, replay.judge());
  const { property, message } = found;
  const irq = found.irq ?? first.world.edges[0];
  for (const [index, step] of replay.steps.entries()) {
    if (index >= moves.length && replay.isOwn(step.operation)) quiet.add(index);
  }
  const weak = { missing: subject.missing, tail: tail.length };
  return { property, message, irq, schedule, length, steps: replay.steps, quiet, loop: 0, replay, weak };
}

function begin({ code, scenario, orderingOf, valuesOnly }: WeakSubject, use: WordUse): WeakReplay {
  return new WeakReplay(code, scenario, orderingOf, { use, valuesOnly });
}

/** That there is no rest (P5) cannot be seen on one path. */
function endsAs(replay: WeakReplay, { property, message }: Found): boolean {
  if (property === 'P5') return true;
  const verdict = replay.judge();
  return verdict?.property === property && verdict.message === message;
}

function mismatch(
  { property, message }: Found,
  schedule: string,
  verdict: SpecViolation | undefined,
): HarnessFault {
  return new HarnessFault(
    'replay-mismatch',
    `The search found ${property} (${message}) by schedule ${schedule}, but the replay ends with ${verdict?.message ?? 'nothing wrong'}`,
  );
}

interface Expanded {
  readonly moves: readonly WeakMove[];
  /** Indices of the moves that touch words of one thread alone. */
  readonly quiet: Set<number>;
  readonly length: number;
}

/**
 * Finds the moves for the steps of a path. The search knows what a load has read by its value only; where several
 * stores have it, one after the other is tried, the oldest first.
 */
function expand(subject: WeakSubject, found: Found): Expanded {
  const choices: number[] = [];
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const replay = begin(subject, found.use);
    const ways: number[] = [];
    const choose = (candidates: readonly WeakMove[]): WeakMove | undefined => {
      ways.push(candidates.length);
      return candidates[choices[ways.length - 1] ?? 0];
    };
    const expanded = walk(replay, found.path, choose);
    if (expanded !== undefined && endsAs(replay, found)) return expanded;
    while (choices.length < ways.length) choices.push(0);
    choices.length = ways.length;
    while (choices.length > 0 && choices[choices.length - 1] + 1 >= ways[choices.length - 1]) choices.pop();
    if (choices.length === 0) break;
    choices[choices.length - 1]++;
  }
  throw mismatch(found, '(none)', undefined);
}

function walk(
  replay: WeakReplay,
  path: readonly WeakStep[],
  choose: (candidates: readonly WeakMove[]) => WeakMove | undefined,
): Expanded | undefined {
  const moves: WeakMove[] = [];
  const quiet = new Set<number>();
  const go = (move: WeakMove) => {
    moves.push(move);
    replay.move(move);
  };
  const settle = (thread: number) => {
    while (replay.isQuiet(thread)) {
      quiet.add(moves.length);
      go(replay.moves(thread)[0]);
    }
  };
  for (const thread of replay.names.keys()) settle(thread);
  for (const { thread, result, promised, keeps } of path) {
    if (promised >= 0) {
      const promise = { address: promised, value: result };
      go({ thread, choice: 0, behind: 0, promise, keeps: false });
      continue;
    }
    const fits = replay
      .moves(thread)
      .filter((move) => move.keeps === keeps && replay.hasResult(move, result))
      .sort((one, other) => other.behind - one.behind);
    const move = fits.length > 1 ? choose(fits) : fits[0];
    if (move === undefined) return undefined;
    go(move);
    settle(thread);
  }
  return { moves, quiet, length: moves.length - quiet.size };
}

/** The moves of threads until they have come to the stores that took effect ahead of their turn. */
function tailOf(subject: WeakSubject, use: WordUse, moves: readonly WeakMove[]): WeakMove[] {
  const replayed = (tail: readonly WeakMove[]): WeakReplay => {
    const replay = begin(subject, use);
    for (const move of [...moves, ...tail]) replay.move(move);
    return replay;
  };
  const tail: WeakMove[] = [];
  for (const thread of replayed([]).names.keys()) {
    const more = soloUntilKept(thread, (solo) => replayed([...tail, ...solo]));
    tail.push(...more);
  }
  return tail;
}

function soloUntilKept(thread: number, replayed: (solo: readonly WeakMove[]) => WeakReplay): WeakMove[] {
  const work: WeakMove[][] = [[]];
  for (let solo = work.shift(); solo !== undefined; solo = work.shift()) {
    const replay = replayed(solo);
    if (!replay.owes(thread)) return solo;
    if (solo.length < LONGEST_TAIL) for (const move of replay.moves(thread)) work.push([...solo, move]);
  }
  throw new HarnessFault('replay-mismatch', 'A store that took effect ahead of its turn is never come to');
}

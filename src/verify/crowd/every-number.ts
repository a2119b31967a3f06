/** The same scenario with any number of senders. */
import type { Protocol } from '../../interrupts/protocol.ts';
import { type Bounds, explore, type Problem, type Progress, type SearchResult } from '../explorer.ts';
import { HarnessFault } from '../fault.ts';
import { wayOf } from '../files/way.ts';
import { populate, type Scenario, type Sends, type ThreadMaker } from '../scenario.ts';
import type { Thread } from '../thread.ts';
import { ThreadPrograms } from '../thread-programs.ts';
import { manyMessengers, messenger } from '../world/messages.ts';
import { manySenders, sender } from '../world/producers.ts';
import { FIRST_IDENTITY, identityOf, isMessage } from '../world/word-names.ts';
import type { World } from '../world/world.ts';
import { CrowdLimit } from './crowd.ts';
import { Seen } from './seen.ts';

/** The most senders that a violation is looked for with, one more at a time. */
const MOST_SENDERS = 3;
/** Bounds of the search for any number of senders, for words whose contents have no end. */
const BOUNDS = { maxStates: 10_000_000, maxTime: 60_000 } as const;
/** The most states of each of the searches with a number of senders. */
const MOST_STATES = 1_000_000;

/** The answer for a scenario with any number of senders, each of which sends as often as it likes. */
export interface EveryNumber {
  /**
   * `VIOLATED`: with `senders` of them, as a search with that number has shown. `NOT PROVEN`: for the number of the
   * scenario only.
   */
  readonly verdict: 'PROVEN' | 'VIOLATED' | 'NOT PROVEN';
  readonly reason: string;
  /** Where it is violated: the smallest number of senders. */
  readonly senders?: number;
  /** The scenario whose answer this is: both differ in their numbers of senders only. States are counted there. */
  readonly sameAs?: string;
  readonly states: number;
  readonly milliseconds: number;
}

/** One protocol in one scenario. */
export interface Cell {
  readonly protocol: Protocol;
  readonly scenario: Scenario;
}

/** The search for an answer. */
export interface EveryNumberSearch {
  readonly bounds: Bounds;
  readonly onProgress: (progress: Progress) => void;
  readonly now: () => number;
  /** The programs of the scenario's own threads, after they were explored. */
  readonly explored: ThreadPrograms;
  /** Explores a scenario with a number of senders. */
  readonly verify: (scenario: Scenario, maxStates: number) => { verdict: string; reason: string };
}

/** The part of a scenario that stays the same whatever the number of its senders is. */
interface Question {
  readonly protocol: Protocol;
  readonly scenario: Scenario;
  /** Threads that are there once. */
  readonly stay: readonly ThreadMaker[];
  /** Interrupts that senders send; undefined for the vCPU's first edge. */
  readonly irqs: readonly (number | undefined)[];
}

/**
 * The scenario with so many senders of each of its interrupts, each of which sends as often as it likes, instead of its
 * own; called `NAME+N`.
 *
 * @returns undefined when it has no sender.
 */
export function withSenders(scenario: Scenario, count: number): Scenario | undefined {
  const all = scenario.threads.flatMap(({ sends }) => (sends === undefined ? [] : [sends]));
  if (all.length === 0) return undefined;
  const stay = scenario.threads.filter(({ sends }) => sends === undefined || sends.beside !== undefined);
  const { irqs } = partsOf(scenario);
  const senders = irqs.flatMap((irq, kind) =>
    Array.from({ length: count }, (_, index) => oneSender(`${baseName(all, irq, kind)}${index + 1}`, irq)),
  );
  return { ...scenario, name: `${scenario.name}+${count}`, threads: [...stay, ...senders] };
}

/** A sender that sends as often as it likes. */
function oneSender(name: string, irq: number | undefined): ThreadMaker {
  if (irq === undefined) return sender({ name, count: 'any' });
  if (!isMessage(irq)) return sender({ name, count: 'any', irq });
  return messenger({
    name,
    anyNumber: true,
    ...(irq === FIRST_IDENTITY ? {} : { sends: [identityOf(irq)] }),
  });
}

/** Any number of them. */
function allSenders(irq: number | undefined): (world: World) => Thread {
  return irq !== undefined && isMessage(irq) ? manyMessengers(irq) : manySenders(irq);
}

/** The name that the senders of an interrupt have in the scenario, without numbers; unique by the kind's number. */
function baseName(all: readonly Sends[], irq: number | undefined, kind: number): string {
  const name = (all.find((sends) => sends.irq === irq)?.name ?? 'S').replace(/\d+$/, '');
  const isTaken = all.some((sends) => sends.irq !== irq && sends.name.replace(/\d+$/, '') === name);
  return isTaken ? `${name}${'abcdefgh'[kind] ?? kind}` : name;
}

function partsOf({ threads }: Scenario): Pick<Question, 'stay' | 'irqs'> {
  return {
    stay: threads.flatMap((make) => (make.sends === undefined ? [make] : (make.sends.beside ?? []))),
    irqs: [...new Set(threads.flatMap(({ sends }) => (sends === undefined ? [] : [sends.irq])))],
  };
}

/** Answers so far: scenarios that differ in the number of their senders only share one. */
export class EveryNumberAnswers {
  readonly #known: { readonly question: Question; readonly answer: EveryNumber }[] = [];

  /** @returns undefined for a scenario without senders. */
  answer(protocol: Protocol, scenario: Scenario, search: EveryNumberSearch): EveryNumber | undefined {
    const question = { protocol, scenario, ...partsOf(scenario) };
    const isAsked = ({ irqs }: Question) =>
      irqs.length > 0 &&
      (wayOf(protocol).isInHart || !irqs.some((irq) => irq !== undefined && isMessage(irq)));
    if (!isAsked(question)) return undefined;
    const known = this.#known.find((other) => isSame(other.question, question));
    if (known !== undefined) {
      return { ...known.answer, sameAs: known.question.scenario.name, states: 0, milliseconds: 0 };
    }
    const answer = find(question, search);
    this.#known.push({ question, answer });
    return answer;
  }
}

/** Whether two cells have one answer, which is then worked out once. */
export function haveOneAnswer(one: Cell, other: Cell): boolean {
  const [first, second] = [one, other].map(({ protocol, scenario }) => ({
    protocol,
    scenario,
    ...partsOf(scenario),
  }));
  return first.irqs.length > 0 && isSame(first, second);
}

function isSame(one: Question, other: Question): boolean {
  const sameItems = (a: readonly unknown[], b: readonly unknown[]) =>
    a.length === b.length && a.every((item, index) => item === b[index]);
  return (
    one.protocol === other.protocol &&
    sameItems(one.stay, other.stay) &&
    sameItems(one.irqs, other.irqs) &&
    one.scenario.mustRest === other.scenario.mustRest &&
    JSON.stringify(one.scenario.interrupts) === JSON.stringify(other.scenario.interrupts) &&
    JSON.stringify(one.scenario.identities) === JSON.stringify(other.scenario.identities)
  );
}

function find(question: Question, search: EveryNumberSearch): EveryNumber {
  const started = search.now();
  try {
    const first = exploreCrowd(question, search, false);
    // It may have been too rough.
    const { found, bounded, states } =
      first.found === undefined ? first : exploreCrowd(question, search, true);
    const about = found === undefined ? undefined : `${found.property}: ${found.message}`;
    const rest =
      about === undefined
        ? bounded === undefined
          ? { verdict: 'PROVEN' as const, reason: `any number of senders: ${states} states` }
          : { verdict: 'NOT PROVEN' as const, reason: bounded }
        : confirm(question, search, about);
    return { ...rest, states, milliseconds: search.now() - started };
  } catch (error) {
    if (!(error instanceof CrowdLimit || error instanceof HarnessFault)) throw error;
    const milliseconds = search.now() - started;
    return { verdict: 'NOT PROVEN', reason: error.message, states: 0, milliseconds };
  }
}

function exploreCrowd(
  { protocol, scenario, stay, irqs }: Question,
  search: EveryNumberSearch,
  countsOn: boolean,
): SearchResult {
  const world = populate(protocol, { ...scenario, threads: stay });
  const crowds = irqs.map((irq) => allSenders(irq)(world));
  const abilities = { sleepers: true, crowds: crowds.length };
  const programs = new ThreadPrograms([...world.threads, ...crowds], world.memory, abilities);
  const seen = new Seen(world.memory, { countsOn });
  seen.addAll(search.explored);
  const { monitor, atRest } = world;
  const problem: Problem = { programs, monitor, atRest, mustRest: scenario.mustRest ?? true, seen };
  const { bounds, onProgress, now } = search;
  const maxStates = Math.min(bounds.maxStates, BOUNDS.maxStates);
  const maxTime = Math.min(bounds.maxTime, BOUNDS.maxTime);
  return explore(problem, { ...bounds, maxStates, maxTime }, onProgress, now);
}

/** Counting to "many" may go too far, so what it finds has to happen with a number of senders, too. */
function confirm(
  { scenario }: Question,
  { verify }: EveryNumberSearch,
  about: string,
): Pick<EveryNumber, 'verdict' | 'reason' | 'senders'> {
  for (let senders = 1; senders <= MOST_SENDERS; senders++) {
    const counted = withSenders(scenario, senders);
    if (counted === undefined) break;
    const { verdict, reason } = verify(counted, MOST_STATES);
    if (verdict === 'VIOLATED') return { verdict, reason, senders };
    if (verdict === 'NOT PROVEN') break;
  }
  return {
    verdict: 'NOT PROVEN',
    reason: `counted as none, one or many, senders could break ${about}; no number of them was found that does`,
  };
}

/** Runs a protocol in a scenario with its accesses ordered as the C code on RISC-V hardware orders them. */
import type { Protocol } from '../../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from '../atomics.ts';
import { populate, type Scenario } from '../scenario.ts';
import { ThreadPrograms } from '../thread-programs.ts';
import { VCPU_NAME } from '../world/vcpu.ts';
import { TRANSCRIPTIONS, transcribed } from './transcription.ts';
import { exploreWeakly, type OrderingOf, type WeakBounds, type WeakSearchResult } from './weak-search.ts';

export interface WeakVerdict extends WeakSearchResult {
  readonly verdict: 'PROVEN' | 'VIOLATED' | 'NOT PROVEN';
  /** Why there is no verdict. */
  readonly reason: string | undefined;
}

/**
 * The monitor hears of a flush when the vCPU's thread comes to it. A store of that thread that was promised has taken
 * effect before that. P6 and P7 look at values alone.
 */
const AHEAD_OF_ITS_TURN =
  'fails only where a store of the vCPU takes effect ahead of its turn, and then the checker does not know when it flushed';

/** The words that a flush may have looked at are known of the thread of this name only. */
const OTHER_VCPU = `asks what a flush could see, which is known of a thread "${VCPU_NAME}" only, and the scenario has none`;

/** How many accesses ahead of their turn stores are looked for, unless somebody asks for others. */
export const HORIZON = 32;

/** How many stores of a thread may be ahead of their turn at once, unless somebody asks for others. */
export const AT_ONCE = 4;

const DEFAULT_BOUNDS = { maxStates: 1_000_000, maxTime: 60_000, horizon: HORIZON, atOnce: AT_ONCE };

/**
 * Explores the scenario under RVWMO, with stores at most `horizon` accesses ahead of their turn (default {@link
 * HORIZON}). Where the protocol has a transcription, that is what is explored.
 *
 * With `valuesOnly`, PROVEN means that no message stays unread (P6) and that nothing throws (P7), not that no interrupt
 * is lost.
 *
 * @param orderingOf what each access is in C.
 * @throws HarnessFault as `verify` reports.
 */
export function verifyWeakly(
  protocol: Protocol,
  scenario: Scenario,
  orderingOf: OrderingOf,
  bounds: Partial<WeakBounds> = {},
  now: () => number = () => performance.now(),
): WeakVerdict {
  installAtomics();
  try {
    const transcription = TRANSCRIPTIONS[protocol.name];
    const code = transcription === undefined ? protocol : transcribed(transcription);
    const world = populate(code, scenario);
    const programs = new ThreadPrograms(world.threads, world.memory, {
      sleepers: true,
      shared: bounds.shared ?? [],
    });
    const problem = {
      programs,
      monitor: world.monitor,
      atRest: world.atRest,
      mustRest: scenario.mustRest ?? true,
    };
    const result = exploreWeakly(problem, orderingOf, { ...DEFAULT_BOUNDS, ...bounds }, now);
    return judged(
      result,
      world.threads.map(({ name }) => name),
    );
  } finally {
    uninstallAtomics();
  }
}

function judged(result: WeakSearchResult, names: readonly string[]): WeakVerdict {
  const reason = whyUnjudged(result.found, names) ?? result.bounded;
  if (reason !== undefined) return { ...result, verdict: 'NOT PROVEN', reason };
  return { ...result, verdict: result.found === undefined ? 'PROVEN' : 'VIOLATED', reason };
}

function whyUnjudged(found: WeakSearchResult['found'], names: readonly string[]): string | undefined {
  if (found === undefined || found.property === 'P6' || found.property === 'P7') return undefined;
  const { property, path } = found;
  if (path.some(({ promised, thread }) => promised >= 0 && names[thread] === VCPU_NAME))
    return `${property} ${AHEAD_OF_ITS_TURN}`;
  const isAboutFlush = property === 'P2' || property === 'P3';
  return isAboutFlush && !names.includes(VCPU_NAME) ? `${property} ${OTHER_VCPU}` : undefined;
}

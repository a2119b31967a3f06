/** Runs a protocol in a scenario with its accesses ordered as the C code on RISC-V hardware orders them. */
import type { Protocol } from '../../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from '../atomics.ts';
import type { Bounds } from '../explorer.ts';
import { populate, type Scenario } from '../scenario.ts';
import { ThreadPrograms } from '../thread-programs.ts';
import { exploreWeakly, type OrderingOf, type WeakSearchResult } from './weak-search.ts';

export interface WeakVerdict extends WeakSearchResult {
  readonly verdict: 'PROVEN' | 'VIOLATED' | 'NOT PROVEN';
  /** Why there is no verdict. */
  readonly reason: string | undefined;
}

/**
 * P3 compares what a flush shows with the level at the same moment, in the order of the explorer's steps. Under weak
 * memory two harts have no such common moment: a load that reads an old value was made earlier than its step says.
 */
const NO_COMMON_MOMENT =
  'P3 asks what the level was at the moment of a flush, and harts under weak memory share no moments';

const DEFAULT_BOUNDS = { maxStates: 1_000_000, maxTime: 60_000 };

/**
 * Explores the scenario under RVWMO without load buffering.
 *
 * @param orderingOf what each access is in C.
 * @throws HarnessFault as `verify` reports.
 */
export function verifyWeakly(
  protocol: Protocol,
  scenario: Scenario,
  orderingOf: OrderingOf,
  bounds: Partial<Pick<Bounds, 'maxStates' | 'maxTime'>> = {},
  now: () => number = () => performance.now(),
): WeakVerdict {
  installAtomics();
  try {
    const world = populate(protocol, scenario);
    const programs = new ThreadPrograms(world.threads, world.memory);
    const problem = {
      programs,
      monitor: world.monitor,
      atRest: world.atRest,
      mustRest: scenario.mustRest ?? true,
    };
    const result = exploreWeakly(problem, orderingOf, { ...DEFAULT_BOUNDS, ...bounds }, now);
    return judged(result);
  } finally {
    uninstallAtomics();
  }
}

function judged(result: WeakSearchResult): WeakVerdict {
  const reason = result.found?.property === 'P3' ? NO_COMMON_MOMENT : result.bounded;
  if (reason !== undefined) return { ...result, verdict: 'NOT PROVEN', reason };
  return { ...result, verdict: result.found === undefined ? 'PROVEN' : 'VIOLATED', reason };
}

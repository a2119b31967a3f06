/** Runs a protocol in a scenario with its accesses ordered as the C code on RISC-V hardware orders them. */
import type { Protocol } from '../../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from '../atomics.ts';
import { populate, type Scenario } from '../scenario.ts';
import { ThreadPrograms } from '../thread-programs.ts';
import { exploreWeakly, type OrderingOf, type WeakBounds, type WeakSearchResult } from './weak-search.ts';

export interface WeakVerdict extends WeakSearchResult {
  readonly verdict: 'PROVEN' | 'VIOLATED' | 'NOT PROVEN';
  /** Why there is no verdict. */
  readonly reason: string | undefined;
}

/**
 * P2 and P3 compare what a flush shows with what producers had done at that moment, in the order of the explorer's
 * steps. Harts under weak memory have no such common moment: a load that reads an old value was made earlier than its
 * step says, and so was a store that was promised.
 */
const NO_COMMON_MOMENT =
  'asks what was so at the moment of a flush, and harts under weak memory share no moments';

/**
 * The monitor hears of a `set` when its thread comes to it. A store that was promised has taken effect before that, so
 * that an interrupt that was delivered in between looks as if it were still to come. P6 and P7 look at values alone.
 */
const AHEAD_OF_ITS_TURN =
  'fails only where a store takes effect ahead of its turn, and then the checker does not know which calls came first';

/** How many accesses ahead of their turn stores are looked for, unless somebody asks for others. */
export const HORIZON = 4;

const DEFAULT_BOUNDS = { maxStates: 1_000_000, maxTime: 60_000, horizon: HORIZON };

/**
 * Explores the scenario under RVWMO, with stores at most `horizon` accesses ahead of their turn (default {@link HORIZON}).
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
  const reason = whyUnjudged(result.found) ?? result.bounded;
  if (reason !== undefined) return { ...result, verdict: 'NOT PROVEN', reason };
  return { ...result, verdict: result.found === undefined ? 'PROVEN' : 'VIOLATED', reason };
}

function whyUnjudged(found: WeakSearchResult['found']): string | undefined {
  if (found === undefined) return undefined;
  const { property, path } = found;
  if (property === 'P2' || property === 'P3') return `${property} ${NO_COMMON_MOMENT}`;
  const isAboutValues = property === 'P6' || property === 'P7';
  const hasPromise = path.some(({ behind }) => behind < 0);
  return hasPromise && !isAboutValues ? `${property} ${AHEAD_OF_ITS_TURN}` : undefined;
}

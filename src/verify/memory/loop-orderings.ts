/**
 * The loop of a vCPU, and a kick, as C on RISC-V: what `run-state.ts` does to the run state and to the request to leave
 * the guest, with plain accesses and three barriers, as kernels have them. They are the barriers that `c/vcpu_irqs.h`
 * asks its callers for. All else around the protocol (schedulers, requests, devices) is taken as fully ordered.
 */
import { RunState } from '../../interrupts/words.ts';
import { Kind } from '../operations.ts';
import { NAMED_ORDERINGS, type Ordering, type ProtocolOrderings } from './orderings.ts';
import { FENCE_FULL } from './program.ts';
import type { AccessSite, OrderingOf } from './weak-access.ts';

const { rlx: RELAXED } = NAMED_ORDERINGS;

/** By word, kind and, for stores, value: name and ordering of an access of the loop. */
const PLACES: Readonly<Record<string, readonly [name: string, ordering: Ordering]>> = {
  [keyOf('run_state', Kind.STORE, RunState.IN_GUEST)]: ['enter: WRITE_ONCE(run_state)', RELAXED],
  // The barrier of the entry is before requests and interrupts are read.
  [keyOf('exit_request', Kind.STORE, 0)]: [
    'enter: WRITE_ONCE(exit_request)',
    { ...RELAXED, after: [...FENCE_FULL] },
  ],
  // The barrier of the sleep is before interrupts are read.
  [keyOf('run_state', Kind.STORE, RunState.BLOCKED)]: [
    'block: WRITE_ONCE(run_state)',
    { ...RELAXED, after: [...FENCE_FULL] },
  ],
  // The barrier of the kick is behind the news.
  [keyOf('exit_request', Kind.STORE, 1)]: [
    'kick: WRITE_ONCE(exit_request)',
    { ...RELAXED, before: [...FENCE_FULL] },
  ],
  [keyOf('run_state', Kind.LOAD, 0)]: ['kick: READ_ONCE(run_state)', RELAXED],
};

/** The words of the loop. Their accesses have barriers, so none of the words is a thread's own affair. */
export const LOOP_WORDS: readonly string[] = ['run_state', 'exit_request'];

/** All orders of the loop. */
export const LOOP_ORDERINGS: ProtocolOrderings = {
  accesses: Object.fromEntries(Object.values(PLACES)),
  barriers: {},
};

function keyOf(word: string, kind: Kind, operand: number): string {
  return `${word} ${kind} ${kind === Kind.STORE ? operand : ''}`;
}

/** The name of an access of the loop; undefined for others. */
export function loopPlaceOf({ word, kind, operand, within }: AccessSite): string | undefined {
  return within === undefined ? PLACES[keyOf(word, kind, operand)]?.[0] : undefined;
}

/** The orderings of a protocol's accesses, in a loop with these orderings. */
export function inLoop(protocol: OrderingOf, loop: ProtocolOrderings = LOOP_ORDERINGS): OrderingOf {
  return (site) => {
    const place = loopPlaceOf(site);
    return place === undefined ? protocol(site) : (loop.accesses[place] ?? RELAXED);
  };
}

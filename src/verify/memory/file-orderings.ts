/**
 * The interrupt file as C on RISC-V: what `interrupt-file.ts` does to the words of a file, with the orders that it
 * needs in a loop with the barriers of `loop-orderings.ts`. A message is an AMO that publishes what came before it, and
 * that comes before the look whether the vCPU takes it. The owner has a barrier between a write of a register and its
 * next look at the pending bits.
 */
import { Kind } from '../operations.ts';
import { NAMED_ORDERINGS, type Ordering, type ProtocolOrderings } from './orderings.ts';
import { FENCE_FULL, READS } from './program.ts';
import type { AccessSite, OrderingOf } from './weak-access.ts';

const { rlx: RELAXED, acq: ACQUIRE, acqrel: BOTH } = NAMED_ORDERINGS;
/** The barrier of the owner is before it looks at pending bits. */
const BEFORE_THE_LOOK: Ordering = { ...RELAXED, after: [...FENCE_FULL] };
/** Words are read downwards, one after the other. */
const IN_TURN: Ordering = { ...RELAXED, after: [{ before: READS, after: READS }] };

/** By the word, without its number, and the kind of the access: name and ordering. */
const PLACES: Readonly<Record<string, readonly [name: string, ordering: Ordering]>> = {
  [`eip ${Kind.OR}`]: ['message: atomic_fetch_or(eip)', BOTH],
  [`eip ${Kind.AND}`]: ['claim: atomic_fetch_and_acquire(eip)', ACQUIRE],
  [`eip ${Kind.LOAD}`]: ['top: READ_ONCE(eip)', IN_TURN],
  [`eie ${Kind.OR}`]: ['register: atomic_or(eie)', BEFORE_THE_LOOK],
  [`eie ${Kind.AND}`]: ['register: atomic_and(eie)', RELAXED],
  [`eie ${Kind.LOAD}`]: ['READ_ONCE(eie)', RELAXED],
  [`eidelivery ${Kind.STORE}`]: ['register: WRITE_ONCE(eidelivery)', BEFORE_THE_LOOK],
  [`eidelivery ${Kind.LOAD}`]: ['READ_ONCE(eidelivery)', RELAXED],
  [`eithreshold ${Kind.STORE}`]: ['register: WRITE_ONCE(eithreshold)', BEFORE_THE_LOOK],
  [`eithreshold ${Kind.LOAD}`]: ['READ_ONCE(eithreshold)', RELAXED],
};

/** All orders of the file. */
export const FILE_ORDERINGS: ProtocolOrderings = {
  accesses: Object.fromEntries(Object.values(PLACES)),
  barriers: {},
};

/** The name of an access to the file; undefined for others. */
export function filePlaceOf({ word, kind, within }: AccessSite): string | undefined {
  return within === undefined ? PLACES[`${word.replace(/\d+$/, '')} ${kind}`]?.[0] : undefined;
}

/** The orderings of a protocol's accesses, beside a file with these orderings. */
export function withFile(others: OrderingOf, file: ProtocolOrderings = FILE_ORDERINGS): OrderingOf {
  return (site) => {
    const place = filePlaceOf(site);
    return place === undefined ? others(site) : (file.accesses[place] ?? RELAXED);
  };
}

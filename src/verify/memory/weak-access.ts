/** How the explorer asks what an access is in C on RISC-V. */
import { Kind } from '../operations.ts';
import type { Ordering } from './orderings.ts';

/** An access of a thread, for choosing its ordering. */
export interface AccessSite {
  /** Name of the thread. */
  readonly thread: string;
  /** Name of the word. */
  readonly word: string;
  readonly kind: Kind;
  /** The operand: for `or` the bits that are set, for `and` those that stay. */
  readonly operand: number;
  /** The function of the protocol that makes it; undefined for accesses that are not the protocol's. */
  readonly within?: string | undefined;
}

/** An access as it is in the C code on RISC-V. */
export type OrderingOf = (site: AccessSite) => Ordering;

/** The kinds that read a word and leave it as it is. */
const LOADS: readonly Kind[] = [Kind.LOAD, Kind.AWAIT_EQUAL, Kind.AWAIT_DIFFERENT, Kind.WAIT];

/** Whether an access may read another store than the last one: loads, and read-modify-writes by LR/SC. */
export function readsFreely(kind: Kind, ordering: Ordering): boolean {
  return LOADS.includes(kind) || (kind !== Kind.STORE && ordering.reserve !== undefined);
}

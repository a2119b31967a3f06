/**
 * Stores that take effect before the loads ahead of them in the program (load buffering). A thread may promise a store
 * when it can show that it will come to it alone, with the memory as it is; after each of its steps it must still be
 * able to keep all that it has promised.
 */
import { Kind } from '../operations.ts';
import { Slot } from './hart-view.ts';
import type { Ordering } from './orderings.ts';
import { type FenceOrder, READS, RELAXED, WRITES } from './program.ts';
import { arrive, outcomes, type WeakAccess, type WeakState } from './weak-memory.ts';

/** How far threads are run ahead. */
export interface Foresight {
  /** In accesses. */
  readonly horizon: number;
  /** How many stores a thread may have promised at a time. */
  readonly atOnce: number;
  /** Becomes true when there may be a store that one of the two has kept from being promised. */
  isCut: boolean;
}

/** A thread from some point on, for running it ahead. */
export interface Continuation {
  /** Its next access; undefined when it has ended, or does something that cannot be run ahead. */
  readonly access: WeakAccess | undefined;
  /** Every continuation after the access has returned `result`. */
  after(result: number): readonly Continuation[];
}

export interface PromisedStore {
  readonly word: number;
  readonly value: number;
}

/** The stores that the thread may promise now. */
export function promisableStores(
  state: WeakState,
  hart: number,
  thread: Continuation,
  foresight: Foresight,
): PromisedStore[] {
  const isFull = owed(state, hart) >= foresight.atOnce;
  if (foresight.horizon === 0 || (isFull && foresight.isCut)) return [];
  const found = allPromisable(state, hart, thread, foresight);
  if (isFull && found.length > 0) foresight.isCut = true;
  return isFull ? [] : found;
}

function allPromisable(
  state: WeakState,
  hart: number,
  thread: Continuation,
  foresight: Foresight,
): PromisedStore[] {
  const found = new Map<string, PromisedStore>();
  const visit = ({ path, access, before, after }: Ahead): boolean => {
    // A store that overtakes nothing needs no promise, and one that was promised before needs no other.
    const isNew = writes(access) && after.messages.length > before.messages.length;
    if (isNew && overtakes(path, access)) {
      const { location: word, value } = after.messages[after.messages.length - 1];
      const key = `${word}:${value}`;
      if (found.has(key)) return false;
      const promise = { word, value };
      if (canKeep(makePromise(state, hart, promise), hart, thread, foresight)) found.set(key, promise);
    }
    return false;
  };
  const { horizon } = foresight;
  const cut = () => {
    foresight.isCut = true;
  };
  runAhead(state, hart, thread, { horizon, cut, visit, until: isSealed });
  return [...found.values()];
}

/** The state in which the hart has promised the store. */
export function makePromise(state: WeakState, hart: number, { word, value }: PromisedStore): WeakState {
  return { ...state, messages: [...state.messages, { location: word, value, hart, isPromised: true }] };
}

/** Whether the thread alone can come to all stores that it has promised. True when it has promised none. */
export function canKeep(state: WeakState, hart: number, thread: Continuation, foresight: Foresight): boolean {
  if (owed(state, hart) === 0) return true;
  let kept = false;
  let isCut = false;
  const visit = ({ after }: Ahead): boolean => {
    kept ||= owed(after, hart) === 0;
    return kept;
  };
  runAhead(state, hart, thread, {
    horizon: foresight.horizon,
    cut: () => (isCut = true),
    visit,
    until: (_path, now) => isLate(now, hart),
  });
  if (isCut && !kept) foresight.isCut = true;
  return kept;
}

/** Whether a promise of the hart cannot be kept any more: whatever it stores now comes after. */
function isLate({ messages, views }: WeakState, hart: number): boolean {
  const { slots } = views[hart];
  return messages.some(({ isPromised, hart: owner, location }, index) => {
    if (!isPromised || owner !== hart) return false;
    return Math.max(slots[Slot.WRITE_NEW], views[hart].coherence(location)) > index;
  });
}

/** How many promises the hart has to keep. */
export function owed({ messages }: WeakState, hart: number): number {
  let count = 0;
  for (const message of messages) if (message.isPromised && message.hart === hart) count++;
  return count;
}

/** One access of a thread that is run ahead. */
interface Ahead {
  /** The accesses before it. */
  readonly path: readonly WeakAccess[];
  readonly access: WeakAccess;
  readonly before: WeakState;
  readonly after: WeakState;
}

interface Run {
  readonly horizon: number;
  /** Called at a path that goes on behind the horizon. */
  cut(): void;
  /** Says yes when the search is over. */
  visit(ahead: Ahead): boolean;
  /** Whether nothing behind this path, which ends in that state, is of interest. */
  until(path: readonly WeakAccess[], state: WeakState): boolean;
}

/** Visits every access that the thread can make alone. */
function runAhead(
  start: WeakState,
  hart: number,
  thread: Continuation,
  { horizon, cut, visit, until }: Run,
): void {
  const work = [{ state: start, thread, path: [] as readonly WeakAccess[] }];
  for (let one = work.pop(); one !== undefined; one = work.pop()) {
    const { access } = one.thread;
    if (access === undefined || until(one.path, one.state)) continue;
    if (one.path.length >= horizon) {
      cut();
      continue;
    }
    const path = [...one.path, access];
    for (const { result, state } of outcomes(one.state, hart, access)) {
      if (visit({ path: one.path, access, before: one.state, after: state })) return;
      for (const next of one.thread.after(result)) {
        // As in the search, so that no promise counts on a fence that it could be kept behind.
        const come = next.access === undefined ? state : arrive(state, hart, next.access.ordering);
        work.push({ state: come, thread: next, path });
      }
    }
  }
}

/** The store that is easiest to make ahead of its turn: to a word of its own, without any order. */
const WEAKEST: WeakAccess = {
  kind: Kind.STORE,
  address: -1,
  a: 0,
  b: 0,
  ordering: { before: [], order: RELAXED, after: [] },
};

/** Whether all that comes after a path is ordered after its first access. */
function isSealed(path: readonly WeakAccess[]): boolean {
  return path.length > 0 && !overtakes(path, WEAKEST);
}

function writes({ kind }: WeakAccess): boolean {
  return kind !== Kind.LOAD && kind < Kind.AWAIT_EQUAL;
}

/**
 * Whether a store may take effect before the thread's next access, the first of the path to it. If program order is
 * preserved between the two, perhaps by way of others, then whatever the next access reads takes effect before the
 * store, and the thread can just as well make that access first: every execution can be had without the promise.
 */
function overtakes(path: readonly WeakAccess[], store: WeakAccess): boolean {
  if (path.length === 0) return false;
  const all = [...path, store];
  const isBefore: boolean[] = [];
  isBefore[path.length] = true;
  for (let at = path.length - 1; at >= 0; at--) {
    isBefore[at] = all.some((_, later) => later > at && isBefore[later] && isOrdered(all, at, later));
  }
  return !isBefore[0];
}

/** Whether preserved program order has one access before another one, by rules 1, 4, 5, 6 or 7. */
function isOrdered(all: readonly WeakAccess[], earlier: number, later: number): boolean {
  const [from, to] = [all[earlier], all[later]];
  if (from.address === to.address && writes(to)) return true;
  const [first, last] = [from.ordering, to.ordering];
  // Of LR/SC, only what holds for both instructions, also when the second is not executed.
  const isAcquire = (first.reserve ?? first.order).acquire;
  if (isAcquire || (last.reserve ?? last.order).release) return true;
  if (first.order.release && first.order.rcsc && last.order.acquire && last.order.rcsc) {
    if (first.reserve === undefined && last.reserve === undefined) return true;
  }
  const [left, right] = [typesOf(from), typesOf(to)];
  const holds = ({ before, after }: FenceOrder): boolean =>
    reaches(before, left, first) && reaches(after, right, last);
  return all.slice(earlier, later + 1).some(({ ordering }, index) => {
    const behind = index < later - earlier && ordering.reserve === undefined && ordering.after.some(holds);
    return behind || (index > 0 && ordering.before.some(holds));
  });
}

function typesOf(access: WeakAccess): number {
  const loads = access.kind !== Kind.STORE;
  return (loads ? READS : 0) | (writes(access) ? WRITES : 0);
}

/** Whether a set of a fence has the access; of LR/SC, both of its instructions. */
function reaches(set: number, types: number, { reserve }: Ordering): boolean {
  return reserve === undefined ? (set & types) !== 0 : (set & types) === types;
}

/**
 * Stores that take effect before the loads ahead of them in the program (load buffering). A thread may promise a store
 * when it can show that it will come to it alone, with the memory as it is; after each of its steps it must still be
 * able to keep what it has promised.
 */
import { Kind } from '../operations.ts';
import type { Ordering } from './orderings.ts';
import { type FenceOrder, READS, WRITES } from './program.ts';
import { outcomes, type WeakAccess, type WeakState } from './weak-memory.ts';

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

/** The stores that the thread may promise now, when it looks at most `horizon` accesses ahead. */
export function promisableStores(
  state: WeakState,
  hart: number,
  thread: Continuation,
  horizon: number,
): PromisedStore[] {
  const found = new Map<string, PromisedStore>();
  const now = state.messages.length;
  runAhead(state, hart, thread, horizon, (path, access, after) => {
    // What overtakes nothing needs no promise, and what was promised before is promised.
    if (writes(access) && after.messages.length > now && overtakes(path, access)) {
      const { location: word, value } = after.messages[after.messages.length - 1];
      const key = `${word}:${value}`;
      if (found.has(key)) return false;
      const promise = { word, value };
      if (canKeep(makePromise(state, hart, promise), hart, thread, horizon)) found.set(key, promise);
    }
    return false;
  });
  return [...found.values()];
}

/** The state in which the hart has promised the store. */
export function makePromise(state: WeakState, hart: number, { word, value }: PromisedStore): WeakState {
  return { ...state, messages: [...state.messages, { location: word, value, hart, isPromised: true }] };
}

/** Whether the thread alone can come to all stores that it has promised. True when it has promised none. */
export function canKeep(state: WeakState, hart: number, thread: Continuation, horizon: number): boolean {
  if (!owes(state, hart)) return true;
  let kept = false;
  runAhead(state, hart, thread, horizon, (_path, _access, after) => {
    kept ||= !owes(after, hart);
    return kept;
  });
  return kept;
}

/** Whether the hart has promises to keep. */
export function owes(state: WeakState, hart: number): boolean {
  return state.messages.some((message) => message.isPromised && message.hart === hart);
}

/** Visits every access that the thread can make alone, with those before it; a visit that says yes ends the search. */
function runAhead(
  start: WeakState,
  hart: number,
  thread: Continuation,
  horizon: number,
  visit: (path: readonly WeakAccess[], access: WeakAccess, after: WeakState) => boolean,
): void {
  const work = [{ state: start, thread, path: [] as readonly WeakAccess[] }];
  for (let one = work.pop(); one !== undefined; one = work.pop()) {
    const { access } = one.thread;
    if (access === undefined || one.path.length >= horizon) continue;
    const path = [...one.path, access];
    for (const { result, state } of outcomes(one.state, hart, access)) {
      if (visit(one.path, access, state)) return;
      for (const next of one.thread.after(result)) work.push({ state, thread: next, path });
    }
  }
}

function writes({ kind }: WeakAccess): boolean {
  return kind !== Kind.LOAD && kind < Kind.AWAIT_EQUAL;
}

/**
 * Whether a store may take effect before the thread's next access, the first of the path to it. If program order is preserved
 * between the two, perhaps by way of others, then whatever the next access reads takes effect before the store, and the
 * thread can just as well make that access first: every execution can be had without the promise.
 */
export function overtakes(path: readonly WeakAccess[], store: WeakAccess): boolean {
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

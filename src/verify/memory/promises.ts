/**
 * Stores that take effect before the loads ahead of them in the program (load buffering). A thread may promise a store
 * when it can show that it will come to it alone, with the memory as it is; after each of its steps it must still be
 * able to keep what it has promised.
 */
import { Kind } from '../operations.ts';
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
  runAhead(state, hart, thread, horizon, (_before, access, after, depth) => {
    // The next access of all needs no promise, and what was promised before is promised.
    if (depth > 0 && writes(access) && after.messages.length > now) {
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
  runAhead(state, hart, thread, horizon, (_before, _access, after) => {
    kept ||= !owes(after, hart);
    return kept;
  });
  return kept;
}

/** Whether the hart has promises to keep. */
export function owes(state: WeakState, hart: number): boolean {
  return state.messages.some((message) => message.isPromised && message.hart === hart);
}

/** Visits every access that the thread can make alone; a visit that says yes ends the search. */
function runAhead(
  start: WeakState,
  hart: number,
  thread: Continuation,
  horizon: number,
  visit: (before: WeakState, access: WeakAccess, after: WeakState, depth: number) => boolean,
): void {
  const work = [{ state: start, thread, depth: 0 }];
  for (let one = work.pop(); one !== undefined; one = work.pop()) {
    const { access } = one.thread;
    if (access === undefined || one.depth >= horizon) continue;
    for (const { result, state } of outcomes(one.state, hart, access)) {
      if (visit(one.state, access, state, one.depth)) return;
      for (const next of one.thread.after(result)) work.push({ state, thread: next, depth: one.depth + 1 });
    }
  }
}

function writes({ kind }: WeakAccess): boolean {
  return kind !== Kind.LOAD && kind < Kind.AWAIT_EQUAL;
}

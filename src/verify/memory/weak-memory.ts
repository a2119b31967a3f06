/**
 * Shared words under RVWMO, for threads that are explored one access at a time. An access has several outcomes: a load
 * returns any value that the hart may still see, a store may fulfil what its hart has promised.
 *
 * Threads are JavaScript, whose values carry no dependencies: address, data and control dependencies are not kept, so
 * this memory is *weaker* than RVWMO. What holds here holds on hardware; what fails here may be kept by a dependency.
 * A promised store is the exception: `promises.ts` lets a thread promise only what it will store whatever the others
 * do.
 */
import { isEnabled, Kind, resultOf, valueAfter } from '../operations.ts';
import { HartView, type Message } from './hart-view.ts';
import type { Ordering } from './orderings.ts';
import { type FenceOrder, hasFullFence } from './program.ts';

/** A store; `isPromised` until its hart has come to it. */
export interface WeakMessage extends Message {
  readonly isPromised: boolean;
}

/** Immutable, except that nobody else has seen a state that {@link WeakMemory} is making. */
export interface WeakState {
  /** The content of each word before the messages. */
  readonly base: readonly number[];
  readonly messages: readonly WeakMessage[];
  readonly views: readonly HartView[];
}

/** An access to a word, as the explorer has it, with its ordering. */
export interface WeakAccess {
  readonly kind: Kind;
  readonly address: number;
  readonly a: number;
  readonly b: number;
  readonly ordering: Ordering;
}

export interface WeakOutcome {
  /** The result of the access for the thread. */
  readonly result: number;
  /** The time of the store that was read, 0 for the word's base; -1 when nothing was read. */
  readonly readFrom: number;
  readonly state: WeakState;
}

/** The state before anything has happened. */
export function initialState(harts: number, words: readonly number[]): WeakState {
  const views = Array.from({ length: harts }, () => new HartView(words.length));
  return { base: words, messages: [], views };
}

/** The content of a word at a time, if a store to it was then; the base at time 0. */
export function valueAt(state: WeakState, word: number, time: number): number | undefined {
  if (time === 0) return state.base[word];
  const message = state.messages[time - 1];
  return message?.location === word ? message.value : undefined;
}

/** The time of the last store to a word before `end`, 0 if there is none. */
export function lastStore(state: WeakState, word: number, end: number = state.messages.length + 1): number {
  for (let time = end - 1; time > 0; time--) if (state.messages[time - 1].location === word) return time;
  return 0;
}

/** The contents that every hart will see in the end. */
export function finalWords(state: WeakState): number[] {
  return state.base.map((_, word) => valueAt(state, word, lastStore(state, word)) ?? 0);
}

/** Executes fences right behind the hart's access before them. */
export function fence(state: WeakState, hart: number, orders: readonly FenceOrder[]): WeakState {
  if (orders.length === 0) return state;
  return withView(state, hart, (view) => passFences(view, orders, state.messages.length));
}

/**
 * Lets a hart come to an access, right behind the one before: a full fence ahead of it has its moment then. Executing
 * the access passes the same fences, later, when they can only order what they find in the hart's view.
 */
export function arrive(state: WeakState, hart: number, { before }: Ordering): WeakState {
  if (!hasFullFence(before)) return state;
  return withView(state, hart, (view) => view.synchronize(state.messages.length));
}

/** Every way in which an access can happen now; none when it waits for a value that it cannot see. */
export function outcomes(state: WeakState, hart: number, access: WeakAccess): WeakOutcome[] {
  const { before } = access.ordering;
  const ready = before.length === 0 ? state : withView(state, hart, (view) => orderBy(view, before));
  switch (access.kind) {
    case Kind.LOAD:
    case Kind.AWAIT_EQUAL:
    case Kind.AWAIT_DIFFERENT:
      return loads(ready, hart, access);
    case Kind.STORE:
      return placesOf(ready, hart, access.address).flatMap((time) => store(ready, hart, access, time));
    case Kind.COMPARE_EXCHANGE:
      return [...failedComparisons(ready, hart, access), ...modifications(ready, hart, access)];
    default:
      return modifications(ready, hart, access);
  }
}

function loads(state: WeakState, hart: number, access: WeakAccess): WeakOutcome[] {
  const { kind, address, a, ordering } = access;
  const view = state.views[hart];
  const before = view.beforeLoad(0, ordering.order);
  // Nothing that the hart has done comes after this load, so now is its place among all operations.
  const isNow = hasFullFence(ordering.before);
  const found: WeakOutcome[] = [];
  for (let time = state.messages.length; time >= 0; time--) {
    const value = valueAt(state, address, time);
    if (value === undefined || isOwnPromise(state, hart, time)) continue;
    if (!view.canRead(state.messages, address, time, before)) break;
    if (isEnabled(kind, value, a)) {
      const next = withView(state, hart, (one) => {
        one.load(address, time, 0, ordering.order);
        passFences(one, ordering.after, state.messages.length);
      });
      found.push({ result: value, readFrom: time, state: next });
    }
    if (isNow) break;
  }
  return found;
}

/** A comparison that fails reads like a load: with LR/SC, any value that the hart may see; with an AMO, the last. */
function failedComparisons(state: WeakState, hart: number, access: WeakAccess): WeakOutcome[] {
  const { reserve, before } = access.ordering;
  if (reserve === undefined) return [];
  const load: WeakAccess = {
    ...access,
    kind: Kind.AWAIT_DIFFERENT,
    ordering: { before, order: reserve, after: [] },
  };
  return loads(state, hart, load);
}

/** The times that a store of the hart can have: a new one at the end, or that of a promise. */
function placesOf(state: WeakState, hart: number, word: number): number[] {
  const places = [state.messages.length + 1];
  for (const [index, message] of state.messages.entries()) {
    if (message.isPromised && message.hart === hart && message.location === word) places.push(index + 1);
  }
  return places;
}

function store(state: WeakState, hart: number, access: WeakAccess, time: number): WeakOutcome[] {
  const { address, a, ordering } = access;
  const view = state.views[hart];
  if (!view.canStore(address, time, view.beforeStore(0, 0, ordering.order))) return [];
  const placed = place(state, hart, address, a, time);
  if (placed === undefined) return [];
  const next = withView(placed, hart, (one) => {
    one.store(address, time, 0, 0, ordering.order);
    passFences(one, ordering.after, placed.messages.length);
  });
  return [{ result: a, readFrom: -1, state: next }];
}

/** Read-modify-writes: an AMO at one time, or LR/SC with nothing of another hart in between. */
function modifications(state: WeakState, hart: number, access: WeakAccess): WeakOutcome[] {
  return placesOf(state, hart, access.address).flatMap((time) => {
    const readFrom = lastStore(state, access.address, time);
    const old = valueAt(state, access.address, readFrom) ?? 0;
    const fails = access.kind === Kind.COMPARE_EXCHANGE && old !== access.a;
    if (fails && access.ordering.reserve !== undefined) return [];
    const view = state.views[hart].copy();
    if (!modify(view, state, hart, access, { readFrom, time })) return [];
    const placed = place(state, hart, access.address, valueAfter(access.kind, old, access.a, access.b), time);
    if (placed === undefined) return [];
    passFences(view, access.ordering.after, placed.messages.length);
    const views = placed.views.map((one, index) => (index === hart ? view : one));
    return [{ result: resultOf(access.kind, old, access.a), readFrom, state: { ...placed, views } }];
  });
}

/** Changes the view; says no when the read-modify-write cannot be at that time. */
function modify(
  view: HartView,
  state: WeakState,
  hart: number,
  { address, ordering }: WeakAccess,
  { readFrom, time }: { readFrom: number; time: number },
): boolean {
  const { order, reserve } = ordering;
  if (reserve === undefined) {
    if (!view.canStore(address, time, view.beforeAmo(0, 0, order))) return false;
    view.amo(address, time, 0, 0, order);
    return true;
  }
  if (!view.canRead(state.messages, address, readFrom, view.beforeLoad(0, reserve))) return false;
  view.loadReserved(address, readFrom, 0, reserve);
  const before = view.beforeStore(0, 0, order);
  if (!view.canSucceed(state.messages, hart, address, time, before)) return false;
  view.store(address, time, 0, 0, order, true);
  view.clearReservation();
  return true;
}

/** Appends the store, or marks the promise as kept; undefined when something else was promised there. */
function place(
  state: WeakState,
  hart: number,
  word: number,
  value: number,
  time: number,
): WeakState | undefined {
  const kept: WeakMessage = { location: word, value, hart, isPromised: false };
  if (time > state.messages.length) return { ...state, messages: [...state.messages, kept] };
  if (state.messages[time - 1].value !== value) return undefined;
  return { ...state, messages: state.messages.map((one, index) => (index === time - 1 ? kept : one)) };
}

function isOwnPromise(state: WeakState, hart: number, time: number): boolean {
  const message = state.messages[time - 1];
  return message?.isPromised === true && message.hart === hart;
}

/**
 * Passes fences right behind an access. All that the hart has done has its place among the stores that are in memory
 * now, and what comes behind a full fence has a later place than all that: so it may as well come after all of them.
 */
function passFences(view: HartView, orders: readonly FenceOrder[], now: number): void {
  orderBy(view, orders);
  if (hasFullFence(orders)) view.synchronize(now);
}

function orderBy(view: HartView, orders: readonly FenceOrder[]): void {
  for (const order of orders) view.fence(order);
}

function withView(state: WeakState, hart: number, change: (view: HartView) => void): WeakState {
  const view = state.views[hart].copy();
  change(view);
  return { ...state, views: state.views.map((one, index) => (index === hart ? view : one)) };
}

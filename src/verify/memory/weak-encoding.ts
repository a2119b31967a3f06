/**
 * One form for all weak memory states that behave the same: what nobody can see any more is forgotten and times are
 * counted anew, so that a program that loops has finitely many states as long as every thread goes on reading, or has
 * only so many loads left.
 */
import {
  COHERENCE,
  FORWARD_ATOMIC,
  FORWARD_TIME,
  FORWARD_VIEW,
  HartView,
  PER_LOCATION,
  Slot,
} from './hart-view.ts';
import { lastStore, type WeakMessage, type WeakState } from './weak-memory.ts';

/** The old values that each hart may find in the future. */
export interface Futures {
  /**
   * For each hart, the mask of the words that it may load before a full fence, other than by a read-modify-write that
   * is an AMO, which always finds the last store. Such loads alone keep old stores alive.
   */
  readonly words: readonly number[];
  /** For each hart, how many such loads it has left at most: 0 when it has ended, infinite when it loops. */
  readonly loads: readonly number[];
  /** For each hart, the mask of the words of which it matters whether it has seen the last store; more than `words`. */
  readonly watched: readonly number[];
}

/** With more loads left than this, a hart counts as one that loops. */
export const MOST_COUNTED = 16;

/** The simplest state that behaves like this one. */
export function canonical(state: WeakState, futures: Futures): WeakState {
  const { messages, views } = state;
  const isKept = keptStores(state, futures);
  const masks = futures.watched;
  const base = absorb(state, masks, isKept);
  const kept: WeakMessage[] = [];
  const renumber = [0];
  for (let index = 0; index < messages.length; index++) {
    if (isKept[index]) kept.push(messages[index]);
    renumber.push(kept.length);
  }
  return {
    base,
    messages: kept,
    views: views.map((view, hart) => {
      // The store that the hart would read early is told by its time, and that of a forgotten one is another's now.
      const { slots } = kept.length === messages.length ? view.copy() : renumbered(view, renumber, isKept);
      return normalized(slots, kept, hart, masks);
    }),
  };
}

function isIn(mask: number, word: number): boolean {
  return ((mask >>> word) & 1) !== 0;
}

/** By store: whether somebody may come to read it. */
function keptStores(state: WeakState, { words, loads }: Futures): boolean[] {
  const { messages, views } = state;
  const isKept = new Array<boolean>(messages.length).fill(false);
  const last = new Array<number>(state.base.length).fill(0);
  for (let index = 0; index < messages.length; index++) {
    const { location, isPromised } = messages[index];
    if (isPromised) {
      isKept[index] = true;
      // A promised read-modify-write will read the store before it.
      if (last[location] > 0) isKept[last[location] - 1] = true;
    }
    last[location] = index + 1;
  }
  for (const time of last) if (time > 0) isKept[time - 1] = true;
  for (let hart = 0; hart < views.length; hart++) {
    if (loads[hart] === 0) continue;
    if (loads[hart] > MOST_COUNTED) keepReadable(state, hart, words[hart], isKept);
    else keepFirsts(state, hart, words[hart], loads[hart], isKept);
  }
  return isKept;
}

/** The earliest store to the word that the hart can still see; 0 for the word's base. */
function floorOf(state: WeakState, hart: number, word: number): number {
  const view = state.views[hart];
  return lastStore(state, word, Math.max(view.slots[Slot.READ_NEW], view.coherence(word)) + 1);
}

/** Whether the hart can only see the last store of each word that it loads. */
export function seesAll(state: WeakState, hart: number, isLoaded: (word: number) => boolean): boolean {
  const { messages } = state;
  for (let time = messages.length; time > state.views[hart].slots[Slot.READ_NEW]; time--) {
    const { location } = messages[time - 1];
    if (isLoaded(location) && state.views[hart].coherence(location) < time) return false;
  }
  return true;
}

function keepReadable(state: WeakState, hart: number, mask: number, isKept: boolean[]): void {
  for (let word = 0; word < state.base.length; word++) {
    if (!isIn(mask, word)) continue;
    const floor = floorOf(state, hart, word);
    for (let time = Math.max(1, floor); time <= state.messages.length; time++) {
      if (state.messages[time - 1].location === word) isKept[time - 1] = true;
    }
  }
}

/**
 * Keeps what a hart with a few loads left can make use of. Where it finds the same value in several stores it may as
 * well take the first: what it can see afterwards includes what it could see otherwise. So from each time that its view
 * may have, only the first store of each value counts, and after as many rounds as there are loads nothing is added.
 */
function keepFirsts(state: WeakState, hart: number, mask: number, loads: number, isKept: boolean[]): void {
  const words = [...state.base.keys()].filter((word) => isIn(mask, word));
  const floors = words.map((word) => floorOf(state, hart, word));
  const times = new Set(timesOf(state, hart));
  for (let round = 0; round < loads; round++) {
    const before = times.size;
    for (const time of [...times]) {
      for (const [at, word] of words.entries()) {
        for (const first of firstsFrom(
          state,
          hart,
          word,
          Math.max(floors[at], lastStore(state, word, time + 1)),
        )) {
          if (first === 0) continue;
          isKept[first - 1] = true;
          times.add(first);
        }
      }
    }
    if (times.size === before) break;
  }
}

/** Every time that the hart's view may be raised to without a load of another store. */
function timesOf({ messages, views }: WeakState, hart: number): number[] {
  const times = [...views[hart].slots.slice(0, Slot.RESERVED_LOCATION)];
  for (let index = 0; index < messages.length; index++) {
    if (messages[index].isPromised && messages[index].hart === hart) times.push(index + 1);
  }
  return times;
}

/** The store at `floor`, and the first one of each value after it that the hart may read. */
function firstsFrom({ messages, base }: WeakState, hart: number, word: number, floor: number): number[] {
  const firsts = [floor];
  const values = new Set<number>([floor === 0 ? base[word] : messages[floor - 1].value]);
  for (let time = floor + 1; time <= messages.length; time++) {
    const { location, value, isPromised, hart: owner } = messages[time - 1];
    if (location !== word || values.has(value) || (isPromised && owner === hart)) continue;
    values.add(value);
    firsts.push(time);
  }
  return firsts;
}

/** Makes stores whose time does not matter the base of their word. Returns the bases. */
function absorb(state: WeakState, masks: readonly number[], isKept: boolean[]): number[] {
  const { messages } = state;
  const base = [...state.base];
  let blocked = 0;
  for (let index = 0; index < messages.length; index++) {
    if (!isKept[index]) continue;
    const { location, value, isPromised } = messages[index];
    if ((blocked >> location) & 1) continue;
    if (isPromised || !isTimeless(state, masks, isKept, index)) {
      blocked |= 1 << location;
      continue;
    }
    isKept[index] = false;
    base[location] = value;
  }
  return base;
}

/** Whether nobody can read what was before this store, and nobody who reads it learns about an earlier one by that. */
function isTimeless(
  state: WeakState,
  masks: readonly number[],
  isKept: readonly boolean[],
  index: number,
): boolean {
  const word = state.messages[index].location;
  for (let hart = 0; hart < state.views.length; hart++) {
    if (!isIn(masks[hart], word)) continue;
    if (floorOf(state, hart, word) < index + 1) return false;
    for (let time = index; time > state.views[hart].slots[Slot.READ_NEW]; time--) {
      if (isKept[time - 1] && concerns(state.messages[time - 1], hart, masks)) return false;
    }
  }
  return true;
}

/** Whether it can matter to a hart that its view comes to include a store. */
function concerns(
  { location, isPromised, hart: owner }: WeakMessage,
  hart: number,
  masks: readonly number[],
): boolean {
  return isIn(masks[hart], location) || (isPromised && owner === hart);
}

function renumbered(view: HartView, renumber: readonly number[], isKept: readonly boolean[]): HartView {
  const slots = view.slots.map((time) => renumber[time]);
  slots[Slot.RESERVED_LOCATION] = view.slots[Slot.RESERVED_LOCATION];
  for (let at = Slot.LOCATIONS; at < slots.length; at += PER_LOCATION) {
    const forward = view.slots[at + FORWARD_TIME];
    if (forward > 0 && !isKept[forward - 1]) slots[at + FORWARD_TIME] = 0;
    slots[at + FORWARD_ATOMIC] = view.slots[at + FORWARD_ATOMIC];
  }
  return new HartView(0, slots);
}

/**
 * Times that make no difference become 0 or an earlier one. A view is compared with the times of stores that the hart
 * can load, and of its own promises: one between two of them is as good as the earlier of the two. Its other stores
 * come after all that is there now, whatever the view.
 */
function normalized(
  slots: number[],
  messages: readonly WeakMessage[],
  hart: number,
  masks: readonly number[],
): HartView {
  const down = [0];
  let promised = Number.POSITIVE_INFINITY;
  for (let time = 1; time <= messages.length; time++) {
    const message = messages[time - 1];
    down.push(concerns(message, hart, masks) ? time : down[time - 1]);
    if (message.isPromised && message.hart === hart) promised = Math.min(promised, time);
  }
  for (let slot = 0; slot < Slot.RESERVED_LOCATION; slot++) slots[slot] = down[slots[slot]];
  const readNew = slots[Slot.READ_NEW];
  for (const slot of [Slot.WRITE_NEW, Slot.CAPTURED]) if (slots[slot] < promised) slots[slot] = 0;
  for (const slot of [Slot.READ_OLD, Slot.WRITE_OLD, Slot.RELEASED]) {
    const time = slots[slot];
    if (time <= readNew && (time < promised || time <= slots[Slot.WRITE_NEW])) slots[slot] = 0;
  }
  for (let word = 0; Slot.LOCATIONS + PER_LOCATION * word < slots.length; word++) {
    const at = Slot.LOCATIONS + PER_LOCATION * word;
    const isReader = isIn(masks[hart], word);
    let time = slots[at + COHERENCE];
    while (time > 0 && messages[time - 1].location !== word) time--;
    slots[at + COHERENCE] = time < promised && (!isReader || time <= readNew) ? 0 : time;
    const forward = slots[at + FORWARD_TIME];
    if (forward <= readNew || !isReader || slots[at + FORWARD_ATOMIC] !== 0) {
      slots[at + FORWARD_TIME] = 0;
      slots[at + FORWARD_VIEW] = 0;
      slots[at + FORWARD_ATOMIC] = 0;
    }
  }
  return new HartView(0, slots);
}

/** The words of a canonical state as integers: equal lists for equal words, and the other way round. */
export function encodeWords({ messages, base }: Pick<WeakState, 'messages' | 'base'>): number[] {
  const numbers = [messages.length];
  for (const { location, value, hart, isPromised } of messages) {
    // The hart that has stored a value does not matter any more.
    numbers.push(location, value, isPromised ? hart : -1);
  }
  for (const value of base) numbers.push(value);
  return numbers;
}

/** A view as integers: the slots that are not 0. */
export function encodeView({ slots }: HartView): number[] {
  const numbers: number[] = [];
  for (let slot = 0; slot < slots.length; slot++) if (slots[slot] !== 0) numbers.push(slot, slots[slot]);
  return numbers;
}

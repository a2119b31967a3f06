/**
 * One form for all weak memory states that behave the same, as a list of integers: what nobody can see any more is
 * forgotten and times are counted anew, so that a program that loops has finitely many states as long as every thread
 * goes on reading.
 */
import { HartView, isTime, type Message, PER_LOCATION, Slot } from './hart-view.ts';
import { lastStore, type WeakMessage, type WeakState } from './weak-memory.ts';

/**
 * For each word, the mask of the harts that may yet load it other than by a read-modify-write, which always finds the
 * last store. Only they keep old stores alive.
 */
export type Readers = readonly number[];

/** Every hart may load every word. */
export function allReaders(harts: number, words: number): Readers {
  return Array.from({ length: words }, () => (1 << harts) - 1);
}

/** The simplest state that behaves like this one. */
export function canonical(state: WeakState, readers: Readers): WeakState {
  const floors = state.base.map((_, word) => floorOf(state, word, readers[word]));
  const isKept = state.messages.map(
    (message, index) =>
      message.isPromised ||
      index + 1 >= floors[message.location] ||
      precedesPromise(state, message, index + 1),
  );
  const base = [...state.base];
  // A store at the very front that hides the base is the base, unless someone may read what is below it.
  let front = 0;
  for (; front < state.messages.length; front++) {
    if (!isKept[front]) continue;
    const { location, value, isPromised } = state.messages[front];
    if (isPromised || floors[location] < front + 1) break;
    isKept[front] = false;
    base[location] = value;
  }
  const renumber = renumbering(isKept);
  return {
    base,
    messages: state.messages.filter((_, index) => isKept[index]),
    views: state.views.map((view) => renumberView(view, state, renumber, isKept)),
  };
}

/** The earliest store to the word that some reader can still see; the last one if there are no readers. */
function floorOf(state: WeakState, word: number, readers: number): number {
  let floor = lastStore(state, word);
  for (const [hart, view] of state.views.entries()) {
    if (((readers >> hart) & 1) === 0) continue;
    const seen = Math.max(view.slots[Slot.READ_NEW], view.coherence(word));
    floor = Math.min(floor, lastStore(state, word, seen + 1));
  }
  return floor;
}

/** Whether a promised read-modify-write will read this store. */
function precedesPromise(state: WeakState, message: Message, time: number): boolean {
  for (let later = time; later < state.messages.length; later++) {
    const other = state.messages[later];
    if (other.location === message.location) return other.isPromised;
  }
  return false;
}

/** For each time, the number of stores up to it that are kept. */
function renumbering(isKept: readonly boolean[]): number[] {
  const times = [0];
  for (const kept of isKept) times.push(times[times.length - 1] + (kept ? 1 : 0));
  return times;
}

function renumberView(
  view: HartView,
  state: WeakState,
  renumber: readonly number[],
  isKept: readonly boolean[],
): HartView {
  const slots = view.slots.slice();
  for (let word = 0; word < state.base.length; word++) {
    const base = Slot.LOCATIONS + PER_LOCATION * word;
    // Coherence is compared with stores to the word only, and forwarding matters for a store that can be read.
    slots[base] = lastStore(state, word, slots[base] + 1);
    if (slots[base + 1] === 0 || !isKept[slots[base + 1] - 1]) slots.fill(0, base + 1, base + PER_LOCATION);
  }
  for (let slot = 0; slot < slots.length; slot++) if (isTime(slot)) slots[slot] = renumber[slots[slot]];
  return new HartView(state.base.length, slots);
}

/** A canonical state as integers: equal lists for equal states, and the other way round. */
export function encodeState(state: WeakState): Int32Array {
  const numbers = [state.messages.length];
  for (const { location, value, hart, isPromised } of state.messages) {
    // Who has stored a value does not matter any more.
    numbers.push(location, value, isPromised ? hart : -1);
  }
  numbers.push(...state.base);
  for (const view of state.views) numbers.push(...view.slots);
  return Int32Array.from(numbers);
}

/** The state that {@link encodeState} was given, up to who has made the stores. */
export function decodeState(numbers: Int32Array, harts: number, words: number): WeakState {
  const messages: WeakMessage[] = [];
  let at = 1;
  for (let i = 0; i < numbers[0]; i++, at += 3) {
    const [location, value, owner] = numbers.subarray(at, at + 3);
    messages.push({ location, value, hart: owner, isPromised: owner >= 0 });
  }
  const base = [...numbers.subarray(at, at + words)];
  at += words;
  const size = Slot.LOCATIONS + PER_LOCATION * words;
  const views = Array.from({ length: harts }, (_, hart) => {
    return new HartView(words, numbers.slice(at + hart * size, at + (hart + 1) * size));
  });
  return { base, messages, views };
}

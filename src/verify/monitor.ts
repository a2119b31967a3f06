/**
 * The specification as an automaton beside the threads.
 *
 * The meaning of interrupts is that of an ideal vCPU in which every call takes effect at one moment between its begin
 * and its end: `set` of an edge makes it pending, a flush may consume a pending edge, `set` and `unset` of a level give
 * it a value. The monitor follows *all* such moments at once (a subset construction), so that the order of overlapping
 * calls is never held against the protocol. When no moments explain what was seen, the protocol is wrong.
 */
import type { SpecEvent, SpecViolation } from './spec-event.ts';
import { interruptName, isMessage } from './world/word-names.ts';

/** One ideal vCPU that explains everything so far. */
interface Ideal {
  /** Edges that are set and not consumed, by index in `edges`. */
  readonly pending: number;
  /** Levels, by index in `levels`. */
  readonly level: number;
  /** Calls in progress that have taken effect, by index in `callers`. */
  readonly done: number;
  /** Edges that the flush in progress has consumed. */
  readonly taken: number;
  /** Levels that were low, and that were high, at some moment of the flush in progress, or since the last look. */
  readonly wasLow: number;
  readonly wasHigh: number;
  /**
   * Messages that were on top at some moment of the claim in progress, by index in `edges`; {@link NOTHING} when there
   * was a moment without one.
   */
  readonly tops: number;
  /** Which calls to come of callers with a store ahead of its turn have taken effect: 4 * irq + 1, or + 2 for a set. */
  readonly guesses: readonly (readonly [caller: number, guess: number])[];
}

interface SpecState {
  readonly calls: readonly (readonly [caller: number, irq: number, set: boolean])[];
  /** HVIP when the flush in progress began. */
  readonly flush: readonly [lo: number, hi: number] | null;
  /** The messages that the claim in progress may take, by index in `edges`. */
  readonly claim: number | null;
  /** There was a `look`: levels are watched from then on. */
  readonly looks: boolean;
  /** Callers with a store ahead of its turn, each as often as it has one. */
  readonly ahead: readonly number[];
  /** The violation that there is unless a call that is still to come explains it. */
  readonly suspicion: SpecViolation | null;
  readonly ideals: readonly Ideal[];
}

/** Stands for no message in `tops`. */
const NOTHING = 1 << 31;

function bitOf(irq: number, lo: number, hi: number): boolean {
  if (isMessage(irq)) return false;
  return (((irq < 32 ? lo : hi) >>> (irq & 31)) & 1) !== 0;
}

function guessFor(irq: number, set: boolean): number {
  return 4 * irq + (set ? 2 : 1);
}

/** How many calls to come of a caller the ideal takes to have taken effect. */
function guessesOf({ guesses }: Ideal, caller: number): number {
  return guesses.filter(([other]) => other === caller).length;
}

function byNumbers([a, x]: readonly [number, number], [b, y]: readonly [number, number]): number {
  return a - b || x - y;
}

function keyOf({ pending, level, done, taken, wasLow, wasHigh, tops, guesses }: Ideal): string {
  return [pending, level, done, taken, wasLow, wasHigh, tops, ...guesses.flat()].join();
}

/** Whether it matters what levels are at the moment. */
function isWatching({ flush, looks }: SpecState): boolean {
  return flush !== null || looks;
}

/** The ideal, with what is on top now among those that it was. */
function withTop(ideal: Ideal, wanted: number): Ideal {
  const waiting = ideal.pending & wanted;
  return { ...ideal, tops: ideal.tops | (waiting === 0 ? NOTHING : waiting & -waiting) };
}

const NOTHING_FOUND: SpecViolation = {
  property: 'P1',
  message: 'the claim finds nothing, but there was something to take all the time',
};

function wrongClaim({ ideals }: SpecState, irq: number, bit: number): SpecViolation {
  const isThere = ideals.some(({ pending }) => (pending & bit) !== 0);
  const why = isThere ? 'which was never on top' : 'which no message explains';
  return { property: isThere ? 'P9' : 'P2', message: `the claim takes ${interruptName(irq)}, ${why}`, irq };
}

/** The automaton. States and lists of events are small integers; each transition is computed once. */
export class Monitor {
  readonly edges: readonly number[];
  readonly levels: readonly number[];
  readonly initial: number;
  readonly #all: readonly number[];
  /** The messages, by index in `edges`. */
  readonly #messages: number;
  readonly #states: SpecState[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #callers: string[] = [];

  /**
   * @param edges interrupt numbers that a flush takes; behind them, rising, numbers of messages that claims take.
   * @param levels interrupt numbers that a flush copies.
   */
  constructor(edges: readonly number[], levels: readonly number[]) {
    this.edges = edges;
    this.levels = levels;
    this.#all = [...edges, ...levels];
    this.#messages = this.#bitsOf(edges.filter(isMessage));
    const ideal = { pending: 0, level: 0, done: 0, taken: 0, wasLow: 0, wasHigh: 0, tops: 0, guesses: [] };
    this.initial = this.#intern({
      calls: [],
      flush: null,
      claim: null,
      looks: false,
      ahead: [],
      suspicion: null,
      ideals: [ideal],
    });
  }

  /** How many states the automaton has so far. */
  get size(): number {
    return this.#states.length;
  }

  /** The state after `event`, or what it violates. */
  next(state: number, event: SpecEvent): number | SpecViolation {
    const from = this.#states[state];
    switch (event.is) {
      case 'call':
        return this.#call(from, this.#caller(event.thread), event.irq, event.set);
      case 'return':
        return this.#return(from, this.#caller(event.thread));
      case 'flush': {
        const flush = [event.lo, event.hi] as const;
        return this.#close({ ...from, flush, ideals: from.looks ? from.ideals : this.#watched(from.ideals) });
      }
      case 'look':
        // In the middle of a flush, some of what it reads has been read before.
        if (from.flush !== null) return state;
        return this.#close({ ...from, looks: true, ideals: this.#watched(from.ideals) });
      case 'flushed':
        return this.#flushed(from, event.lo, event.hi);
      case 'claim':
        return this.#close({ ...from, claim: this.#bitsOf(event.wanted) });
      case 'claimed':
        return this.#claimed(from, event.irq);
      case 'ahead':
        return this.#close({ ...from, ahead: [...from.ahead, this.#caller(event.thread)] });
      case 'kept':
        return this.#kept(from, this.#caller(event.thread));
      case 'effect':
        return this.#close({
          ...from,
          ideals: from.ideals.map((ideal) => this.#effect(ideal, event.irq, event.high, isWatching(from))),
        });
    }
  }

  /**
   * Whether the interrupts among `watched` can all be accounted for when nothing moves any more: no edge waits, and
   * the levels are as in `lo` and `hi`.
   *
   * @returns interrupts for which that is impossible.
   */
  unsettled(state: number, watched: readonly number[], lo: number, hi: number): number[] {
    const wrong = ({ pending, level }: Ideal) =>
      watched.filter((irq) => {
        const edge = this.edges.indexOf(irq);
        if (edge >= 0) return ((pending >> edge) & 1) !== 0;
        return (((level >> this.levels.indexOf(irq)) & 1) !== 0) !== bitOf(irq, lo, hi);
      });
    const all = this.#states[state].ideals.map(wrong);
    return all.reduce((best, each) => (each.length < best.length ? each : best));
  }

  /** A state as text that does not depend on how it was reached. */
  describe(state: number): string {
    const { calls, flush, claim, looks, ahead, suspicion, ideals } = this.#states[state];
    const named = calls.map(([caller, irq, set]) => [this.#callers[caller], irq, set].join(' ')).sort();
    const texts = ideals.map(({ done, ...rest }) => {
      const callers = this.#callers.filter((_, caller) => ((done >> caller) & 1) !== 0).sort();
      return `${Object.values(rest).join()} ${callers.join()}`;
    });
    const early = ahead.map((caller) => this.#callers[caller]).sort();
    return JSON.stringify([named, flush, claim, looks, early, suspicion, texts.sort()]);
  }

  /** Whether a level is high in every explanation. */
  isHigh(state: number, irq: number): boolean {
    const bit = 1 << this.levels.indexOf(irq);
    return this.#states[state].ideals.every(({ level }) => (level & bit) !== 0);
  }

  #call(from: SpecState, caller: number, irq: number, set: boolean): number | SpecViolation {
    const ideals = from.ideals.flatMap((ideal): Ideal[] => {
      const right = ideal.guesses.findIndex(
        ([other, guess]) => other === caller && guess === guessFor(irq, set),
      );
      // Otherwise a guess may be right about a call after this one.
      if (right < 0) return [ideal];
      const guesses = ideal.guesses.filter((_, index) => index !== right);
      return [ideal, { ...ideal, guesses, done: ideal.done | (1 << caller) }];
    });
    return this.#resolved({ ...from, calls: [...from.calls, [caller, irq, set]], ideals });
  }

  /** With one store less ahead, as many calls can take effect ahead of their turn as there are stores left. */
  #kept(from: SpecState, caller: number): number | SpecViolation {
    const ahead = from.ahead.toSpliced(from.ahead.indexOf(caller), 1);
    const left = ahead.filter((other) => other === caller).length;
    const ideals = from.ideals.filter((ideal) => guessesOf(ideal, caller) <= left);
    return this.#resolved({ ...from, ahead, ideals });
  }

  /** A suspicion is true when nothing explains it any more, and false when something does without a guess. */
  #resolved(state: SpecState): number | SpecViolation {
    if (state.ideals.length === 0 && state.suspicion !== null) return state.suspicion;
    const isClear = state.ideals.some(({ guesses }) => guesses.length === 0);
    return this.#close({ ...state, suspicion: isClear ? null : state.suspicion });
  }

  #return(from: SpecState, caller: number): number | SpecViolation {
    const calls = from.calls.filter(([other]) => other !== caller);
    const ideals = from.ideals
      .filter(({ done }) => ((done >> caller) & 1) !== 0)
      .map((ideal) => ({ ...ideal, done: ideal.done & ~(1 << caller) }));
    return this.#resolved({ ...from, calls, ideals });
  }

  #flushed(from: SpecState, lo: number, hi: number): number | SpecViolation {
    const [beforeLo, beforeHi] = from.flush ?? [0, 0];
    for (const irq of this.edges) {
      if (bitOf(irq, beforeLo, beforeHi) && !bitOf(irq, lo, hi)) {
        return {
          property: 'P1',
          message: `the flush erases ${interruptName(irq)}, which the guest has pending`,
          irq,
        };
      }
    }
    let left = from.ideals;
    let { suspicion } = from;
    /** Without `guesses` there is nothing to wait for. */
    const keep = (fits: (ideal: Ideal) => boolean, violation: SpecViolation): boolean => {
      left = left.filter(fits);
      if (left.every(({ guesses }) => guesses.length > 0)) suspicion ??= violation;
      return left.length > 0;
    };
    for (const [index, irq] of this.edges.entries()) {
      if (bitOf(irq, beforeLo, beforeHi)) continue;
      const rises = bitOf(irq, lo, hi);
      const message = `the flush delivers ${interruptName(irq)}, which no set explains`;
      const violation: SpecViolation = { property: 'P2', message, irq };
      if (!keep(({ taken }) => (((taken >> index) & 1) !== 0) === rises, violation)) {
        return suspicion ?? violation;
      }
    }
    for (const [index, irq] of this.levels.entries()) {
      const high = bitOf(irq, lo, hi);
      const was = high ? 'high, but it was low' : 'low, but it was high';
      const message = `the flush shows ${interruptName(irq)} ${was} all through the flush`;
      const violation: SpecViolation = { property: 'P3', message, irq };
      if (!keep(({ wasLow, wasHigh }) => (((high ? wasHigh : wasLow) >> index) & 1) !== 0, violation)) {
        return suspicion ?? violation;
      }
    }
    const ideals = left.map((ideal) =>
      from.looks ? { ...ideal, taken: 0 } : { ...ideal, taken: 0, wasLow: 0, wasHigh: 0 },
    );
    return this.#close({ ...from, flush: null, suspicion, ideals });
  }

  #claimed(from: SpecState, irq: number): number | SpecViolation {
    const bit = irq === 0 ? 0 : 1 << this.edges.indexOf(irq);
    const seen = irq === 0 ? NOTHING : bit;
    const fits = from.ideals.filter(
      ({ taken, tops }) => taken === bit && (from.looks || (tops & seen) !== 0),
    );
    if (fits.length === 0) return irq === 0 ? NOTHING_FOUND : wrongClaim(from, irq, bit);
    return this.#close({
      ...from,
      claim: null,
      ideals: fits.map((ideal) => ({ ...ideal, taken: 0, tops: 0 })),
    });
  }

  /**
   * Adds every explanation in which calls in progress, and the consumption by a flush or a claim, have taken effect by
   * now.
   */
  #close(state: SpecState): number {
    const watching = isWatching(state);
    const found = new Map<string, Ideal>();
    const stored = new Map<number, number>();
    for (const caller of state.ahead) stored.set(caller, (stored.get(caller) ?? 0) + 1);
    const add = (before: Ideal) => {
      const ideal = state.claim === null ? before : withTop(before, state.claim);
      const key = keyOf(ideal);
      if (found.has(key)) return;
      found.set(key, ideal);
      for (const [caller, irq, set] of state.calls) {
        if (((ideal.done >> caller) & 1) === 0) {
          add({ ...this.#effect(ideal, irq, set, watching), done: ideal.done | (1 << caller) });
        }
      }
      for (const [caller, stores] of stored) {
        const inCall = state.calls.some(([other]) => other === caller) && ((ideal.done >> caller) & 1) === 0;
        if (inCall || guessesOf(ideal, caller) >= stores) continue;
        for (const irq of this.#all) {
          for (const set of [false, true]) {
            const guesses = [...ideal.guesses, [caller, guessFor(irq, set)] as const].sort(byNumbers);
            add({ ...this.#effect(ideal, irq, set, watching), guesses });
          }
        }
      }
      const takes = ideal.pending & this.#mayTake(state, ideal);
      for (let bit = 1; bit <= takes; bit <<= 1) {
        if ((takes & bit) !== 0) {
          add({ ...ideal, pending: ideal.pending & ~bit, taken: ideal.taken | bit });
        }
      }
    };
    state.ideals.forEach(add);
    const ideals = [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ideal]) => ideal);
    return this.#intern({ ...state, ideals });
  }

  /**
   * A flush takes any edges; a claim takes one message, which was on top when it looked. Where it may have looked
   * before it began, under weak memory, any one that it wants.
   */
  #mayTake({ flush, claim, looks }: SpecState, { taken, tops }: Ideal): number {
    if (flush !== null) return ~this.#messages;
    if (claim === null || taken !== 0) return 0;
    return looks ? claim : tops & ~NOTHING;
  }

  #bitsOf(irqs: readonly number[]): number {
    return irqs.reduce((bits, irq) => bits | (1 << this.edges.indexOf(irq)), 0);
  }

  #effect(ideal: Ideal, irq: number, set: boolean, watching: boolean): Ideal {
    const edge = this.edges.indexOf(irq);
    if (edge >= 0) {
      const bit = 1 << edge;
      return { ...ideal, pending: set ? ideal.pending | bit : ideal.pending & ~bit };
    }
    const bit = 1 << this.levels.indexOf(irq);
    const changed = { ...ideal, level: set ? ideal.level | bit : ideal.level & ~bit };
    return watching ? this.#seen(changed) : changed;
  }

  /** From now on levels are watched. */
  #watched(ideals: readonly Ideal[]): Ideal[] {
    return ideals.map((ideal) => this.#seen({ ...ideal, taken: 0, wasLow: 0, wasHigh: 0 }));
  }

  #seen(ideal: Ideal): Ideal {
    const all = (1 << this.levels.length) - 1;
    return {
      ...ideal,
      wasLow: ideal.wasLow | (all & ~ideal.level),
      wasHigh: ideal.wasHigh | ideal.level,
    };
  }

  #caller(thread: string): number {
    const known = this.#callers.indexOf(thread);
    return known >= 0 ? known : this.#callers.push(thread) - 1;
  }

  #intern(state: SpecState): number {
    const calls = [...state.calls].sort(([a], [b]) => a - b);
    const text = JSON.stringify([
      calls,
      state.flush,
      state.claim,
      state.looks,
      [...state.ahead].sort(),
      state.suspicion,
      state.ideals.map((ideal) => Object.values(ideal)),
    ]);
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#states.length;
      this.#states.push({ ...state, calls });
      this.#numbers.set(text, number);
    }
    return number;
  }
}

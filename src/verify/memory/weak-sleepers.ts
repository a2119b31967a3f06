/**
 * Threads that sleep in `Atomics.wait`, on weak memory: as with a futex, whoever falls asleep, wakes somebody or wakes
 * up takes the lock of the list of sleepers, which orders it fully behind everybody who had the lock before. The list
 * is a word more, which read-modify-writes alone access; its content is the number of a list.
 */
import { Kind, WaitResult } from '../operations.ts';
import { isAsleep, type Sleeper, stepSleepers } from '../sleepers.ts';
import { NAMED_ORDERINGS } from './orderings.ts';
import { lastStore, outcomes, valueAt, type WeakOutcome, type WeakState } from './weak-memory.ts';

/** Numbers for lists of sleepers; 0 is that of the empty one. */
class SleeperLists {
  readonly #lists: (readonly Sleeper[])[] = [[]];
  readonly #numbers = new Map<string, number>([['[]', 0]]);

  at(number: number): readonly Sleeper[] {
    return this.#lists[number];
  }

  numberOf(list: readonly Sleeper[]): number {
    const text = JSON.stringify(list);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#lists.length);
    return this.#lists.push(list) - 1;
  }
}

/** An operation that concerns sleepers: on which word, and its operands. */
export interface SleeperOperation {
  readonly kind: Kind;
  readonly address: number;
  readonly a: number;
  readonly b: number;
}

/** The sleepers of a weak memory. */
export class WeakSleepers {
  readonly #lists = new SleeperLists();
  readonly #word: number;

  /** @param word - the index of the word behind all others that has the list. */
  constructor(word: number) {
    this.#word = word;
  }

  isAsleep(state: Pick<WeakState, 'base' | 'messages'>, thread: number): boolean {
    return isAsleep(this.#listIn(state), thread);
  }

  /** Every way in which the operation can happen now; none for a thread that nobody has woken. */
  outcomes(state: WeakState, thread: number, { kind, address, a, b }: SleeperOperation): WeakOutcome[] {
    const before = this.#listIn(state);
    if (kind === Kind.ASLEEP && isAsleep(before, thread) && b === 0) return [];
    if (kind !== Kind.WAIT) {
      const { sleepers, result } = stepSleepers(before, kind, { thread, address }, 0, a);
      return this.#locked(state, thread, sleepers).map((one) => ({ ...one, result, readFrom: -1 }));
    }
    const asleep = stepSleepers(before, kind, { thread, address }, a, a).sleepers;
    return [
      ...this.#afterLook(this.#locked(state, thread, before), thread, address, (value) => value !== a).map(
        (one) => ({ ...one, result: WaitResult.DIFFERENT }),
      ),
      ...this.#afterLook(this.#locked(state, thread, asleep), thread, address, (value) => value === a).map(
        (one) => ({ ...one, result: WaitResult.SLEEPS }),
      ),
    ];
  }

  #listIn(state: Pick<WeakState, 'base' | 'messages'>): readonly Sleeper[] {
    const whole = { ...state, views: [] };
    return this.#lists.at(valueAt(whole, this.#word, lastStore(whole, this.#word)) ?? 0);
  }

  #locked(state: WeakState, thread: number, after: readonly Sleeper[]): WeakOutcome[] {
    const number = this.#lists.numberOf(after);
    const access = {
      kind: Kind.EXCHANGE,
      address: this.#word,
      a: number,
      b: 0,
      ordering: NAMED_ORDERINGS.sc,
    };
    return outcomes(state, thread, access);
  }

  /** With the lock, a thread that is about to sleep looks at the word. */
  #afterLook(
    locked: readonly WeakOutcome[],
    thread: number,
    address: number,
    fits: (value: number) => boolean,
  ): WeakOutcome[] {
    const look = { kind: Kind.LOAD, address, a: 0, b: 0, ordering: NAMED_ORDERINGS.sc };
    return locked.flatMap(({ state }) => outcomes(state, thread, look)).filter(({ result }) => fits(result));
  }
}

/** Whether an outcome is that a sleeper's time is over, which nobody may count on. */
export function isTimeout(kind: Kind, result: number): boolean {
  return kind === Kind.ASLEEP && result === WaitResult.TIMED_OUT;
}

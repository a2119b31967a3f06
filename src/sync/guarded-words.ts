import { i32, struct } from '../layout/struct.ts';
import { Lock } from './lock.ts';

/** Words that come before those that they guard. */
export const GUARD = struct({ lock: i32, version: i32 });

const VERSION = GUARD.word.version;

/** Changes that this thread is in, one within the other, and the work that is to be done behind them. */
let depth = 0;
const behind: (() => void)[] = [];

/**
 * Does something that others wait for less urgently than for a lock: at once, or behind all changes that this thread is
 * in. A thread that is woken looks at the changes, and the one that wakes it spends tens of microseconds on that: with
 * a lock held, one would have both sleep again.
 */
export function afterChanges(work: () => void): void {
  if (depth === 0) work();
  else behind.push(work);
}

/**
 * Shared words that change only under a lock, and that can be read without it.
 *
 * A version counts up before and after each change (odd = under way). A reader that sees the same even version on
 * both sides of its reads has seen one consistent state:
 *
 *     const version = guard.version();
 *     const answer = evaluate();               // Atomics.load only
 *     return guard.stillAt(version) ? answer : guard.locked(evaluate);
 */
export class GuardedWords {
  readonly words: Int32Array;
  readonly #lock: Lock;

  /**
   * @param words - shared memory, zero or used by an object like this in another thread
   * @param count - words that the owner needs, with those of GUARD
   * @throws RangeError when there are fewer
   */
  constructor(words: Int32Array, count: number, owner: string) {
    if (words.length < count) {
      throw new RangeError(`${owner} needs ${count} shared words, and was given ${words.length}`);
    }
    this.words = words.length === count ? words : words.subarray(0, count);
    this.#lock = new Lock(words, GUARD.word.lock);
  }

  /** Runs `body`, which may write the words, alone. */
  change<T>(body: () => T): T {
    this.#lock.acquire();
    depth++;
    // To odd: readers turn away. Counterparts: the loads in version and stillAt.
    Atomics.add(this.words, VERSION, 1);
    try {
      return body();
    } finally {
      // To even: readers see a whole again. Counterparts: the loads in version and stillAt.
      Atomics.add(this.words, VERSION, 1);
      this.#lock.release();
      if (--depth === 0 && behind.length > 0) for (const work of behind.splice(0)) work();
    }
  }

  /** Runs `body`, which must not write, while nothing changes. */
  locked<T>(body: () => T): T {
    return this.#lock.withLock(body);
  }

  /** The version to hand to {@link stillAt} after reading. */
  version(): number {
    // Counterpart: the additions in change.
    return Atomics.load(this.words, VERSION);
  }

  /** True if nothing changed since `version` was read and nothing was changing then. */
  stillAt(version: number): boolean {
    // Counterpart: the additions in change.
    return (version & 1) === 0 && Atomics.load(this.words, VERSION) === version;
  }
}

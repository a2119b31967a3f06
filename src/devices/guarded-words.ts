import { Lock } from './lock.ts';

/** The words at the start of every device's memory; a device's own words follow. */
export const GUARD = { LOCK: 0, VERSION: 1, WORDS: 2 } as const;

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
    this.#lock = new Lock(words, GUARD.LOCK);
  }

  /** Runs `body`, which may write the words, alone. */
  change<T>(body: () => T): T {
    this.#lock.acquire();
    // To odd: readers turn away. Counterparts: the loads in version and stillAt.
    Atomics.add(this.words, GUARD.VERSION, 1);
    try {
      return body();
    } finally {
      // To even: what readers see is whole again. Counterparts: the loads in version and stillAt.
      Atomics.add(this.words, GUARD.VERSION, 1);
      this.#lock.release();
    }
  }

  /** Runs `body`, which must not write, while nothing changes. */
  locked<T>(body: () => T): T {
    return this.#lock.withLock(body);
  }

  /** The version to hand to {@link stillAt} after reading. */
  version(): number {
    // Counterpart: the additions in change.
    return Atomics.load(this.words, GUARD.VERSION);
  }

  /** True if nothing changed since `version` was read and nothing was changing then. */
  stillAt(version: number): boolean {
    // Counterpart: the additions in change.
    return (version & 1) === 0 && Atomics.load(this.words, GUARD.VERSION) === version;
  }
}

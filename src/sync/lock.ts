const FREE = 0;
const HELD = 1;
/** Held, and some thread may be asleep waiting for it. */
const CONTESTED = 2;

/**
 * Looks at a lock before a thread goes to sleep for it: some microseconds. Sections are shorter as a rule, and a sleep
 * and a wake-up take both threads ten times as long.
 */
const SPINS = 1000;

/** False once this thread was refused `Atomics.wait`, as the main thread of a browser is. */
let maySleep = true;

function sleepWhileContested(words: Int32Array, index: number): void {
  if (!maySleep) return;
  try {
    // Counterpart: Atomics.notify in release.
    Atomics.wait(words, index, CONTESTED);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    maySleep = false;
  }
}

/**
 * A mutual-exclusion lock in one shared word, for sections of a few dozen instructions.
 *
 * The word is 0 when free, so fresh memory is an open lock. The states are those of Ulrich Drepper, "Futexes Are
 * Tricky" (mutex 2): a release calls the operating system only if someone may be asleep. A thread that takes the
 * lock twice waits for ever. Where `Atomics.wait` is not allowed the thread spins.
 */
export class Lock {
  readonly #words: Int32Array;
  readonly #index: number;

  /**
   * @param words - shared memory, the same in every thread that uses the lock
   * @param index - which word of it is the lock
   */
  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  acquire(): void {
    if (this.tryAcquire()) return;
    for (let spin = 0; spin < SPINS; spin++) {
      // Meets the exchange in release. A load leaves the word in the holder's cache.
      if (Atomics.load(this.#words, this.#index) === FREE && this.tryAcquire()) return;
    }
    // Says that someone waits, and takes the lock if it was free. Counterpart: Atomics.exchange in release. A
    // thread that comes through here leaves CONTESTED behind, since others may still be asleep.
    while (Atomics.exchange(this.#words, this.#index, CONTESTED) !== FREE) {
      sleepWhileContested(this.#words, this.#index);
    }
  }

  /** Takes the lock if it is free. @returns whether it was */
  tryAcquire(): boolean {
    // Takes the lock. Counterpart: Atomics.exchange in release, whose writes this thread now sees.
    return Atomics.compareExchange(this.#words, this.#index, FREE, HELD) === FREE;
  }

  release(): void {
    // Publishes the section's writes. Counterparts: compareExchange and exchange in acquire.
    if (Atomics.exchange(this.#words, this.#index, FREE) === CONTESTED) {
      // Counterpart: Atomics.wait in sleepWhileContested.
      Atomics.notify(this.#words, this.#index, 1);
    }
  }

  /** Runs `body` while holding the lock; the lock is released also when `body` throws. */
  withLock<T>(body: () => T): T {
    this.acquire();
    try {
      return body();
    } finally {
      this.release();
    }
  }
}

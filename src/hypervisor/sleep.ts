import { hostClock } from '../time/host-clock.ts';

/**
 * The system wakes a thread up to so many milliseconds later than asked: they are spent awake at the end of a sleep.
 */
const LATE = 0.1;
/**
 * The longest wait, in milliseconds, that is spent awake from its beginning, if the last one was that short: processors
 * that work for each other wait for less than falling asleep and waking up takes.
 */
const SHORT = 0.2;

/**
 * As {@link Sleep.wake}, for a thread that never sleeps there itself. All of them wake up, unless `threads` is given.
 */
export function wakeSleepers(words: Int32Array, sequence: number, sleepers: number, threads?: number): void {
  // Meets the load of `Sleep.sequence` and the wait in `Sleep.until`.
  Atomics.add(words, sequence, 1);
  // Meets the add in `Sleep.until`: a sleeper counted later finds the new sequence and does not wait.
  if (Atomics.load(words, sleepers) !== 0) Atomics.notify(words, sequence, threads);
}

/** Makes the sleep of a thread, as the constructor of {@link Sleep} does. */
export type NewSleep = (...place: ConstructorParameters<typeof Sleep>) => Sleep;

/**
 * How every thread with a hart sleeps while it has nothing to do: on a word of shared memory that counts up with all
 * that may be news for it. A thread with news writes them first, and then calls {@link wake}.
 */
export class Sleep {
  readonly #words: Int32Array;
  readonly #sequence: number;
  readonly #sleepers: number;
  /** The last sleep of this thread was ended early and soon. */
  #expectsShort = false;

  /**
   * @param sequence index of the word that counts
   * @param sleepers index of the word with the number of threads that the system must wake
   */
  constructor(words: Int32Array, sequence: number, sleepers: number) {
    this.#words = words;
    this.#sequence = sequence;
    this.#sleepers = sleepers;
  }

  /** Read before looking for news, and given to {@link until} when there are none. */
  get sequence(): number {
    // Meets the add in `wakeSleepers`.
    return Atomics.load(this.#words, this.#sequence);
  }

  /** A thread sleeps, or is about to. */
  get isTaken(): boolean {
    // Meets the add in `#wait`.
    return Atomics.load(this.#words, this.#sleepers) !== 0;
  }

  /**
   * Sleeps until the sequence differs from `sequence`, at most `milliseconds`.
   *
   * @param punctual false: the end of that time is nothing to be awake for
   * @returns whether it differs
   */
  until(sequence: number, milliseconds: number, punctual = true): boolean {
    const start = hostClock.now();
    const end = start + milliseconds;
    if (this.#expectsShort) this.#watch(sequence, Math.min(end, start + SHORT));
    const left = end - hostClock.now() - (punctual ? LATE : 0);
    // A thread that was woken looks around, even if it has seen the reason before: it must not watch until the end.
    if (left <= 0 || this.#wait(sequence, left) === 'timed-out') this.#watch(sequence, end);
    const differs = this.sequence !== sequence;
    this.#expectsShort = differs && hostClock.now() - start < SHORT;
    return differs;
  }

  /** As {@link until} without an end of its time, for a thread whose events go on meanwhile. */
  async later(sequence: number): Promise<void> {
    // Both counts meet the load in `wakeSleepers`.
    Atomics.add(this.#words, this.#sleepers, 1);
    // Meets the add and the notify in `wakeSleepers`, as the wait in `#wait`.
    const outcome = Atomics.waitAsync(this.#words, this.#sequence, sequence);
    if (outcome.async) await outcome.value;
    Atomics.sub(this.#words, this.#sleepers, 1);
  }

  /** Makes up to `threads` sleepers look around. */
  wake(threads: number): void {
    wakeSleepers(this.#words, this.#sequence, this.#sleepers, threads);
  }

  #wait(sequence: number, milliseconds: number): 'ok' | 'not-equal' | 'timed-out' {
    // Meets the load in `wakeSleepers`.
    Atomics.add(this.#words, this.#sleepers, 1);
    // Meets the add and the notify in `wakeSleepers`: returns at once when the sequence has moved already.
    const outcome = Atomics.wait(this.#words, this.#sequence, sequence, milliseconds);
    // Meets the load in `wakeSleepers`.
    Atomics.sub(this.#words, this.#sleepers, 1);
    return outcome;
  }

  /** Waits awake until the sequence differs from `sequence`, at most until `end`. */
  #watch(sequence: number, end: number): void {
    while (this.sequence === sequence && hostClock.now() < end);
  }
}

import { i32, struct } from '../layout/struct.ts';

/** The words by which the harts of a machine leave guest memory to one of them; all 0 at first. */
export const EXCLUSION = struct({
  /** 1 while a hart works alone, or waits for the others to leave. */
  owned: i32,
  /** Harts that work in guest memory. */
  inside: i32,
});
const WORD = EXCLUSION.word;

/** Milliseconds of a sleep after which a thread looks by itself: no wake-up has to arrive. */
const LOOK_MS = 1;

/**
 * For the few instructions that no single access of WebAssembly can carry out: a hart works in guest memory while all
 * others are between two instructions of theirs. Others notice by their polls, as `owned` is looked at wherever the
 * exit request is.
 *
 * Nobody waits for longer than `LOOK_MS` once somebody wants it out of the guest: it gives up, and the instruction is
 * carried out anew later. So a hart that stands still in the middle of an access to a device keeps nobody else from
 * being paused.
 */
export class Exclusion {
  readonly #words: Int32Array;
  readonly #mustLeave: () => boolean;
  #isInside = false;

  /**
   * @param words {@link EXCLUSION} in linear memory
   * @param mustLeave whether somebody wants this hart to leave the guest
   */
  constructor(words: Int32Array, mustLeave: () => boolean) {
    this.#words = words;
    this.#mustLeave = mustLeave;
  }

  /** Some hart works alone, or wants to. */
  get isOwned(): boolean {
    // Meets the compare-exchange and the store of `alone`.
    return Atomics.load(this.#words, WORD.owned) !== 0;
  }

  /** The hart works in guest memory, and nobody else wants to do so alone. */
  get mayStay(): boolean {
    return this.#isInside && !this.isOwned;
  }

  /** Before the hart works in guest memory. @returns false if it may not, and is to leave */
  enter(): boolean {
    for (;;) {
      // Meets the load in `#waitForOthers`: either that sees this hart, or this hart sees `owned`.
      Atomics.add(this.#words, WORD.inside, 1);
      this.#isInside = true;
      if (!this.isOwned) return true;
      this.leave();
      // Meets the notify in `#release`.
      Atomics.wait(this.#words, WORD.owned, 1, LOOK_MS);
      if (this.#mustLeave()) return false;
    }
  }

  /** The hart works in guest memory no more; also if it does not. */
  leave(): void {
    if (!this.#isInside) return;
    this.#isInside = false;
    // Meets the load in `#waitForOthers`, and wakes the hart that sleeps there.
    if (Atomics.sub(this.#words, WORD.inside, 1) === 1) Atomics.notify(this.#words, WORD.inside);
  }

  /**
   * Between {@link enter} and {@link leave}: does something while no other hart works in guest memory.
   *
   * @returns false if that was not to be had: nothing is done, and the hart is to leave the guest
   */
  alone(action: () => void): boolean {
    this.leave();
    // Meets the same of other harts, and `enter`.
    while (Atomics.compareExchange(this.#words, WORD.owned, 0, 1) !== 0) {
      Atomics.wait(this.#words, WORD.owned, 1, LOOK_MS);
      if (this.#mustLeave()) return false;
    }
    const done = this.#waitForOthers();
    if (done) {
      action();
      // Still alone: the next one waits for this hart.
      Atomics.add(this.#words, WORD.inside, 1);
      this.#isInside = true;
    }
    this.#release();
    return done;
  }

  #waitForOthers(): boolean {
    for (;;) {
      // Meets the addition in `enter` and the subtraction in `leave`.
      const others = Atomics.load(this.#words, WORD.inside);
      if (others === 0) return true;
      Atomics.wait(this.#words, WORD.inside, others, LOOK_MS);
      if (this.#mustLeave() && Atomics.load(this.#words, WORD.inside) !== 0) return false;
    }
  }

  #release(): void {
    // Meets the loads of `isOwned`, and the compare-exchange of `alone`.
    Atomics.store(this.#words, WORD.owned, 0);
    Atomics.notify(this.#words, WORD.owned);
  }
}

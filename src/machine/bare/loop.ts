import type { HartWords } from './hart-words.ts';

/** Where a bare hart is: in its code, in WFI with nothing to wake up for, or done. */
export type BarePart = 'code' | 'wait' | 'end';

/** Around the loop of a bare hart: its code, its interrupt lines and timers, its machine. */
export interface BareSurroundings {
  /** False when the machine ends. */
  readonly running: boolean;
  /** The machine is to stand still. */
  readonly pausing: boolean;
  /** Milliseconds that a sleep may take, regardless of the timers. */
  readonly longestSleep: number;
  /** Waits while the machine stands still. */
  stand(): void;
  /**
   * Looks at the interrupt lines, and carries out code until it is to be left.
   *
   * @returns whether the hart waits for an interrupt, and had none when it began to
   */
  runCode(): boolean;
  /** Milliseconds until a timer of the hart becomes due; those that are due have done their work. */
  untilTimer(): number;
  /** Whether there is something to wake up for. */
  wakePending(): boolean;
}

/**
 * The loop of a hart that no hypervisor runs. As in `VcpuLoop`, nothing is kept between two parts, so that the checker
 * can explore it. A thread that has news for the hart (an interrupt, a pause, the end) writes them first, and kicks it
 * then.
 */
export class BareLoop {
  readonly #words: HartWords;
  readonly #at: BareSurroundings;

  constructor(words: HartWords, surroundings: BareSurroundings) {
    this.#words = words;
    this.#at = surroundings;
  }

  /** Carries out one part. @returns the next one */
  step(part: BarePart): BarePart {
    return part === 'wait' ? this.#wait() : this.#code();
  }

  #code(): BarePart {
    this.#at.stand();
    // Before the look at all that a kick may be for: a later one is seen by the code's poll.
    this.#words.enter();
    if (!this.#at.running) return 'end';
    if (this.#at.pausing) return 'code';
    return this.#at.runCode() ? 'wait' : 'code';
  }

  #wait(): BarePart {
    const { sleep } = this.#words;
    // Read first: a kick after this ends the sleep.
    const { sequence } = sleep;
    if (!this.#at.running) return 'end';
    if (this.#at.pausing) return 'code';
    // Before the look at pending interrupts: a timer that becomes due in between is not taken for one that was due
    // before.
    const untilTimer = this.#at.untilTimer();
    if (this.#at.wakePending()) return 'code';
    const { longestSleep } = this.#at;
    const time = Math.min(untilTimer, longestSleep);
    return sleep.until(sequence, time, untilTimer <= longestSleep) ? 'code' : 'wait';
  }
}

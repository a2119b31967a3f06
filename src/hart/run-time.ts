import type { Platform } from './platform.ts';

/** Call-outs and polls between two looks at the clock: they are some 300 ns apart, in interpreted code 3 us. */
const LOOK_AFTER = 16;
/**
 * Whether the time is over that a run was given. Fuel counts instructions, as many as the hart carried out in that time
 * lately; code that asks devices or takes traps is hundreds of times slower, and would run past a deadline for long.
 */
export class RunTime {
  readonly #platform: Platform;
  #left = LOOK_AFTER;
  #isOver = false;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** A run begins. */
  start(): void {
    this.#isOver = false;
  }

  /** Notes a call-out or a poll, and looks at the clock now and then. @returns whether the run shall end */
  spend(): boolean {
    this.#left--;
    if (this.#left === 0) {
      this.#left = LOOK_AFTER;
      if (this.#platform.runEnd !== undefined) this.seen(this.#platform.ticks());
    }
    return this.#isOver;
  }

  /** Somebody has looked at the clock. @returns whether the run shall end */
  seen(ticks: number): boolean {
    if (ticks >= (this.#platform.runEnd?.() ?? Number.POSITIVE_INFINITY)) this.#isOver = true;
    return this.#isOver;
  }
}

import { TICKS_PER_SECOND } from '../time/ticks.ts';

/** Assumed until measured: instructions per tick (50 MIPS). */
const FIRST_GUESS = 5;
/** Fewest instructions in one go, however near a deadline is: entering costs about as much. */
const FEWEST = 2_000;
/** Weight of the newest measurement. */
const NEWEST = 0.25;
/** Measurements shorter than this, in ticks, say little. */
const SHORTEST = 500;

/** Translates time into instructions: how many fit into a number of ticks, going by how fast the hart ran lately. */
export class Pace {
  #perTick = FIRST_GUESS;
  #startedAt = 0;

  /** Instructions for about `ticks` from `now` on. */
  start(now: number, ticks: number): number {
    this.#startedAt = now;
    return this.instructionsIn(ticks);
  }

  /** Instructions for about `ticks`. */
  instructionsIn(ticks: number): number {
    return Math.max(FEWEST, Math.min(Math.floor(ticks * this.#perTick), 2 ** 30));
  }

  /** Notes how many instructions the time since {@link start} was good for. */
  finish(now: number, instructions: number): void {
    const ticks = now - this.#startedAt;
    if (ticks < SHORTEST || instructions < FEWEST / 2) return;
    this.#perTick += (instructions / ticks - this.#perTick) * NEWEST;
  }

  /** Instructions per second, lately. */
  get rate(): number {
    return this.#perTick * TICKS_PER_SECOND;
  }
}

import type { Clock } from './device.ts';

/** A clock that stands still until it is moved: for tests, and for machines that must run the same way twice. */
export class ManualClock implements Clock {
  #ticks = 0;
  #wall = 0n;

  ticks(): number {
    return this.#ticks;
  }

  wallNanoseconds(): bigint {
    return this.#wall;
  }

  /** @param ticks - guest time in ticks of 10 MHz, a whole number below 2^53 */
  setTicks(ticks: number): void {
    this.#ticks = ticks;
  }

  /** @param nanoseconds - since 1970 */
  setWall(nanoseconds: bigint): void {
    this.#wall = nanoseconds;
  }
}

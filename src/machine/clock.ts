import type { Clock } from '../devices/device.ts';
import { hostClock } from '../time/host-clock.ts';
import { TICKS_PER_MS } from '../time/ticks.ts';

/**
 * Guest time: ticks since the machine was put together, without the time in which it was paused; the same in
 * every thread.
 *
 * Each thread's `performance.now()` has an origin of its own, so a thread gives the distance of its origin from the
 * one that all threads share.
 */
export class GuestClock implements Clock {
  readonly #threadOffset: number;
  #offset: number;

  /**
   * @param startedAt shared time in milliseconds at which guest time is 0
   * @param threadOffset milliseconds to add to this thread's `performance.now()` for the shared time
   */
  constructor(startedAt: number, threadOffset: number) {
    this.#threadOffset = threadOffset;
    this.#offset = threadOffset - startedAt;
  }

  /** After a pause: guest time is 0 at another moment. */
  restart(startedAt: number): void {
    this.#offset = this.#threadOffset - startedAt;
  }

  ticks(): number {
    return Math.max(0, Math.floor((hostClock.now() + this.#offset) * TICKS_PER_MS));
  }

  wallNanoseconds(): bigint {
    return BigInt(Math.round((hostClock.timeOrigin + hostClock.now()) * 1000)) * 1000n;
  }
}

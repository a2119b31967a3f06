import { TICKS_PER_MS } from '../time/ticks.ts';

/** Ticks over which a share is kept. */
const PERIOD = 100 * TICKS_PER_MS;
/** Ticks that a pCPU gets at least behind a rest: changing to a guest and back would be all that it does. */
const LEAST_TURN = 2 * TICKS_PER_MS;

/**
 * The share of a processor that a pCPU may take for its guests: a bucket that fills with time, and that running
 * empties. The time of its thread between two vCPUs, and its sleep, are not counted.
 */
export class CpuQuota {
  readonly #share: number;
  readonly #ticks: () => number;
  readonly #most: number;
  #left: number;
  #at: number;
  #runs = false;

  /**
   * @param share above 0, up to 1
   * @param ticks guest time in ticks of 10 MHz
   */
  constructor(share: number, ticks: () => number) {
    this.#share = share;
    this.#ticks = ticks;
    this.#most = share * PERIOD;
    this.#left = this.#most;
    this.#at = ticks();
  }

  /** A vCPU runs from now on. */
  begin(): void {
    this.#count();
    this.#runs = true;
  }

  /** It runs no more. */
  end(): void {
    this.#count();
    this.#runs = false;
  }

  /** The pCPU has to rest. */
  get spent(): boolean {
    this.#count();
    return this.#left <= 0;
  }

  /** Milliseconds until the pCPU may run again; 0 if it may now. */
  rest(): number {
    this.#count();
    if (this.#left > 0) return 0;
    return (Math.min(this.#most, LEAST_TURN) - this.#left) / this.#share / TICKS_PER_MS;
  }

  #count(): void {
    const now = this.#ticks();
    const passed = now - this.#at;
    this.#at = now;
    if (this.#runs) this.#left -= (1 - this.#share) * passed;
    else this.#left = Math.min(this.#most, this.#left + this.#share * passed);
  }
}

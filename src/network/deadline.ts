import type { Clock } from './host.ts';

/** A time at which something is due, which may be moved often: a timer is set anew only when it has rung too early. */
export class Deadline {
  readonly #clock: Clock;
  readonly #due: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timerAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  constructor(clock: Clock, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get isSet(): boolean {
    return this.#at !== Number.POSITIVE_INFINITY;
  }

  /** Due in so many milliseconds, and not when it was due before. */
  in(milliseconds: number): void {
    this.#at = this.#clock.now() + milliseconds;
    if (this.#timerAt > this.#at) this.#arm();
  }

  /** Never due. The timer, if there is one, rings once more. */
  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Never due, and no timer is left. */
  end(): void {
    this.clear();
    this.#callOff?.();
    this.#callOff = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    this.#callOff?.();
    this.#timerAt = this.#at;
    this.#callOff = this.#clock.after(Math.max(0, this.#at - this.#clock.now()), () => this.#ring());
  }

  #ring(): void {
    this.#callOff = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (!this.isSet) return;
    if (this.#clock.now() < this.#at) {
      this.#arm();
      return;
    }
    this.clear();
    this.#due();
  }
}

import type { Clock } from '../../src/network/host.ts';

/** Time that goes on when it is told to. */
export class ManualClock implements Clock {
  #now = 0;
  #alarms: { readonly at: number; readonly ring: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, ring: () => void): () => void {
    const alarm = { at: this.#now + milliseconds, ring };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }

  /** Alarms that are set. */
  get waiting(): number {
    return this.#alarms.length;
  }

  /** Goes to the next alarm, and rings it. @returns false if there is none */
  next(): boolean {
    const [first] = this.#alarms.sort((one, other) => one.at - other.at);
    if (first === undefined) return false;
    this.#alarms.shift();
    this.#now = Math.max(this.#now, first.at);
    first.ring();
    return true;
  }

  /** Goes on by so many milliseconds, and rings what is due. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [first] = this.#alarms.sort((one, other) => one.at - other.at);
      if (first === undefined || first.at > end) break;
      this.next();
    }
    this.#now = end;
  }
}

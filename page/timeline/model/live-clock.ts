/** How fast the delay shrinks again after a batch that was late, as a part of it for each batch. */
const RECOVERY = 0.02;

/**
 * Where "now" is in a picture that is live. Events come in batches, some of them late; a picture whose edge is the last
 * event that has come would jump. So it runs behind by the longest delay of late, smoothly.
 */
export class LiveClock {
  #delay = Number.NaN;
  #last = 0;
  #shown = Number.NEGATIVE_INFINITY;

  /** A batch has come. @param now this thread's clock, and `latest` the time of its last event, both in milliseconds */
  arrived(now: number, latest: number): void {
    const delay = now - latest;
    this.#delay = Number.isNaN(this.#delay)
      ? delay
      : Math.max(delay, this.#delay + (delay - this.#delay) * RECOVERY);
    this.#last = latest;
  }

  /** The time of the picture's right edge; never before the one that was shown last. */
  time(now: number): number {
    if (Number.isNaN(this.#delay)) return 0;
    this.#shown = Math.max(this.#shown, Math.min(now - this.#delay, this.#last));
    return this.#shown;
  }

  /** After a pause. */
  restart(): void {
    this.#delay = Number.NaN;
  }
}

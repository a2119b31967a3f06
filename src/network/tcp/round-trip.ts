const FIRST_MS = 1000;
const LEAST_MS = 300;
const MOST_MS = 30_000;

/** How long an acknowledgment takes, and the time after which it is not to be expected any more (RFC 6298). */
export class RoundTrip {
  #smoothed: number | undefined;
  #variation = 0;
  #backoff = 1;

  /** Milliseconds after which a segment is sent again. */
  get timeout(): number {
    const plain = this.#smoothed === undefined ? FIRST_MS : this.#smoothed + 4 * this.#variation;
    return Math.min(MOST_MS, Math.max(LEAST_MS, plain) * this.#backoff);
  }

  /** A segment that was sent once was acknowledged after so many milliseconds. */
  measured(milliseconds: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = milliseconds;
      this.#variation = milliseconds / 2;
    } else {
      this.#variation += (Math.abs(this.#smoothed - milliseconds) - this.#variation) / 4;
      this.#smoothed += (milliseconds - this.#smoothed) / 8;
    }
  }

  /** Nothing was acknowledged in time. */
  missed(): void {
    this.#backoff = Math.min(64, this.#backoff * 2);
  }

  /** Something new was acknowledged. */
  heard(): void {
    this.#backoff = 1;
  }
}

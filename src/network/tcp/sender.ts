import type { Clock } from '../host.ts';
import { distance, plus } from './numbers.ts';
import { RoundTrip } from './round-trip.ts';
import type { Segment } from './segment.ts';
import { SendQueue } from './send-queue.ts';

/** No bound: nothing is lost between us and the guest's card, and later data wait in its windows. */
const UNBOUNDED = 2 ** 30;
const DUPLICATES = 3;

/** The facts of the guest's side that bound our data. */
export interface SenderOptions {
  /** The number of the first byte. */
  readonly first: number;
  /** Bytes of the largest segment. */
  readonly segmentBytes: number;
  /** By how many bits windows are shifted. */
  readonly scale: number;
  /** The first window, in bytes. */
  readonly window: number;
  readonly clock: Clock;
}

/** Some bytes to be sent, or the end. */
export interface Piece {
  readonly sequence: number;
  readonly parts: readonly Uint8Array[];
  readonly length: number;
  /** The end follows. */
  readonly fin: boolean;
  /** There is nothing behind it so far. */
  readonly last: boolean;
}

/**
 * The half of a connection by which the guest receives (RFC 9293, RFC 5681 as far as it matters without a network that
 * drops): bytes that were sent, those that were acknowledged, and those to be sent again.
 */
export class Sender {
  readonly queue = new SendQueue();
  readonly #clock: Clock;
  readonly #trip = new RoundTrip();
  readonly #segmentBytes: number;
  readonly #scale: number;
  /** The first number that was not acknowledged, the next to be sent, and the one behind all that was ever sent. */
  #first: number;
  #next: number;
  #behind: number;
  #window: number;
  /** Numbers of the segment that said so last. */
  #windowSequence: number | undefined;
  #windowAcknowledged = 0;
  #congestion = UNBOUNDED;
  #duplicates = 0;
  /** Until this number is acknowledged, holes are filled one by one. */
  #recover: number | undefined;
  #again = false;
  #probe = false;
  #closed = false;
  #finAcknowledged = false;
  #timed: { readonly number: number; readonly at: number } | undefined;

  constructor({ first, segmentBytes, scale, window, clock }: SenderOptions) {
    this.#first = first;
    this.#next = first;
    this.#behind = first;
    this.#segmentBytes = segmentBytes;
    this.#scale = scale;
    this.#window = window;
    this.#clock = clock;
  }

  /** The first number that was not acknowledged. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next new byte has. */
  get next(): number {
    return this.#next;
  }

  get segmentBytes(): number {
    return this.#segmentBytes;
  }

  /** No byte follows those in the queue. */
  close(): void {
    this.#closed = true;
  }

  get finished(): boolean {
    return this.#finAcknowledged;
  }

  /** Milliseconds to the moment at which {@link timeout} is due; undefined while nothing is to be heard. */
  get patience(): number | undefined {
    const waits = this.#next !== this.#first || (this.queue.length > 0 && this.#window === 0);
    return waits ? this.#trip.timeout : undefined;
  }

  /**
   * Takes an acknowledgment.
   *
   * @returns bytes of the queue that it frees; undefined if it acknowledges bytes that were never sent
   */
  acknowledge(segment: Segment): number | undefined {
    const { acknowledged } = segment;
    const count = distance(acknowledged, this.#first);
    if (distance(acknowledged, this.#behind) > 0) return undefined;
    if (count < 0) return 0;
    const opened = this.#takeWindow(segment);
    if (count === 0) {
      if (!opened && segment.data.length === 0 && this.#next !== this.#first) this.#countDuplicate();
      return 0;
    }
    const bytes = Math.min(count, this.queue.length);
    if (count > this.queue.length) this.#finAcknowledged = true;
    this.queue.drop(bytes);
    this.#first = acknowledged;
    if (distance(this.#next, acknowledged) < 0) this.#next = acknowledged;
    this.#trip.heard();
    if (this.#timed !== undefined && distance(acknowledged, this.#timed.number) >= 0) {
      this.#trip.measured(this.#clock.now() - this.#timed.at);
      this.#timed = undefined;
    }
    this.#duplicates = 0;
    this.#again = false;
    if (this.#congestion < UNBOUNDED) this.#congestion += bytes;
    if (this.#recover === undefined) return bytes;
    if (distance(acknowledged, this.#recover) >= 0) this.#recover = undefined;
    else this.#again = true;
    return bytes;
  }

  /** The next piece that may be sent; undefined if there is none. @param longest bytes that one may have */
  take(longest: number): Piece | undefined {
    if (this.#again) {
      this.#again = false;
      this.#timed = undefined;
      const length = Math.min(this.#segmentBytes, this.queue.length, distance(this.#behind, this.#first));
      return this.#piece(0, length, this.#behind);
    }
    if (this.#finAcknowledged) return undefined;
    const sent = distance(this.#next, this.#first);
    const rest = this.queue.length - sent;
    const fits = this.#fits(sent, rest, longest);
    if (fits < rest ? fits <= 0 : rest < 0 || (rest === 0 && !this.#closed)) return undefined;
    this.#probe = false;
    const piece = this.#piece(sent, fits, plus(this.#next, fits + 1));
    this.#next = plus(this.#next, fits + (piece.fin ? 1 : 0));
    if (distance(this.#next, this.#behind) > 0) {
      this.#behind = this.#next;
      this.#timed ??= { number: this.#next, at: this.#clock.now() };
    }
    return piece;
  }

  /** Nothing was heard for as long as {@link patience} said: sends again all that was not acknowledged. */
  timeout(): void {
    this.#trip.missed();
    this.#next = this.#first;
    this.#congestion = 2 * this.#segmentBytes;
    this.#recover = undefined;
    this.#again = false;
    this.#duplicates = 0;
    this.#timed = undefined;
    this.#probe = this.#window === 0;
  }

  /** How many of the bytes that were not sent may be sent now. */
  #fits(sent: number, rest: number, longest: number): number {
    const room = Math.max(Math.min(this.#window, this.#congestion) - sent, this.#probe ? 1 : 0);
    const whole = Math.max(this.#segmentBytes, longest - (longest % this.#segmentBytes));
    const fits = Math.min(rest, room, whole);
    // A window that opens byte by byte is left alone until it is worth a segment (RFC 9293, section 3.8.6.2.1).
    return fits < rest && fits < this.#segmentBytes && sent > 0 ? 0 : fits;
  }

  /** @param until a number behind all that may be in it: the end is, if it is before */
  #piece(offset: number, length: number, until: number): Piece {
    const last = offset + length === this.queue.length;
    return {
      sequence: plus(this.#first, offset),
      parts: this.queue.slice(offset, length),
      length,
      fin: last && this.#closed && distance(until, plus(this.#first, offset + length)) > 0,
      last,
    };
  }

  /** @returns whether the window has changed */
  #takeWindow({ sequence, acknowledged, window }: Segment): boolean {
    const isNewer =
      this.#windowSequence === undefined ||
      distance(sequence, this.#windowSequence) > 0 ||
      (sequence === this.#windowSequence && distance(acknowledged, this.#windowAcknowledged) >= 0);
    if (!isNewer) return false;
    const bytes = window * 2 ** this.#scale;
    const changed = bytes !== this.#window;
    // The byte that asked for a window came too early, as far as that was closed.
    if (this.#window === 0 && changed && acknowledged === this.#first) this.#next = this.#first;
    this.#window = bytes;
    this.#windowSequence = sequence;
    this.#windowAcknowledged = acknowledged;
    return changed;
  }

  #countDuplicate(): void {
    if (++this.#duplicates !== DUPLICATES || this.#recover !== undefined) return;
    this.#recover = this.#behind;
    this.#again = true;
  }
}

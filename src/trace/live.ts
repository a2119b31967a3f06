import { INTERRUPT_STEPS, type InterruptEvent } from './interrupt-timeline.ts';
import { MissingStream } from './missing-stream.ts';
import { TRACE } from './words.ts';

/** Numbers of an event in a batch. */
const ROW = 6;
/** Events of a batch, and batches that may be under way; those beyond are counted as missing. */
const MOST_EVENTS = 1 << 14;
const MOST_BATCHES = 8;

/** Events on their way to the thread that owns the machine. */
export interface LiveBatch {
  /** {@link ROW} numbers for each event. */
  readonly rows: Float64Array;
  /** Events before these that did not find room. */
  readonly missing: number;
}

/** An event, and how many before it did not find room. */
export interface LiveInterrupt extends InterruptEvent {
  readonly missing: number;
}

/** The sending end, on the thread that follows the interrupts. */
export class LiveSender {
  readonly #words: Int32Array;
  readonly #send: (batch: LiveBatch) => void;
  readonly #rows = new Float64Array(MOST_EVENTS * ROW);
  #count = 0;
  /** Events that did not find room: before those in the batch, and behind them. */
  #missingBefore = 0;
  #missingBehind = 0;
  #sent = 0;

  /** @param words those before the rings */
  constructor(words: Int32Array, send: (batch: LiveBatch) => void) {
    this.#words = words;
    this.#send = send;
  }

  readonly add = ({ time, cpu, what, cause, source, flow }: InterruptEvent): void => {
    // Meets the adds in `LiveReceiver`.
    if (Atomics.load(this.#words, TRACE.word.watchers) === 0) return;
    if (this.#count === MOST_EVENTS) {
      this.#missingBehind++;
      return;
    }
    this.#rows.set([time, cpu, INTERRUPT_STEPS.indexOf(what), cause, source, flow], this.#count * ROW);
    this.#count++;
  };

  /** Sends the events that there are, if the receiver has kept up. */
  flush(): void {
    if (this.#count === 0) return;
    // Meets the add in `LiveReceiver.receive`. Both counts go round modulo 2^32.
    const underWay = (this.#sent - Atomics.load(this.#words, TRACE.word.taken)) | 0;
    if (underWay >= MOST_BATCHES) {
      this.#missingBefore += this.#count + this.#missingBehind;
    } else {
      this.#send({ rows: this.#rows.slice(0, this.#count * ROW), missing: this.#missingBefore });
      this.#sent = (this.#sent + 1) | 0;
      this.#missingBefore = this.#missingBehind;
    }
    this.#missingBehind = 0;
    this.#count = 0;
  }
}

/** The receiving end, on the thread that owns the machine. */
export class LiveReceiver {
  readonly #words: Int32Array;
  readonly #streams = new Set<MissingStream<LiveInterrupt>>();
  #hasEnded = false;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  receive({ rows, missing }: LiveBatch): void {
    // Meets the load in `LiveSender.flush`.
    Atomics.add(this.#words, TRACE.word.taken, 1);
    let before = missing;
    for (let at = 0; at < rows.length; at += ROW) {
      const event = eventAt(rows, at, before);
      before = 0;
      for (const stream of this.#streams) stream.put(event);
    }
  }

  /** No more events come. */
  end(): void {
    this.#hasEnded = true;
    for (const stream of this.#streams) stream.end();
  }

  /**
   * The events from now on, until the machine ends or the iterator is left.
   *
   * @param limit events that wait for a slow reader at most; those beyond are counted
   */
  watch(limit: number): AsyncIterableIterator<LiveInterrupt> {
    const stream = new MissingStream<LiveInterrupt>(
      limit,
      () => 1,
      () => {
        // Meets the load in `LiveSender.add`.
        if (this.#streams.delete(stream)) Atomics.sub(this.#words, TRACE.word.watchers, 1);
      },
    );
    if (this.#hasEnded) stream.end();
    else {
      this.#streams.add(stream);
      // Meets the load in `LiveSender.add`.
      Atomics.add(this.#words, TRACE.word.watchers, 1);
    }
    return stream;
  }
}

function eventAt(rows: Float64Array, at: number, missing: number): LiveInterrupt {
  const number = (index: number) => rows[at + index] as number;
  const what = INTERRUPT_STEPS[number(2)] ?? 'set';
  return {
    time: number(0),
    cpu: number(1),
    what,
    cause: number(3),
    source: number(4),
    flow: number(5),
    missing,
  };
}

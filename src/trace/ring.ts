import { KIND, KIND_BITS, RECORD, RING, TRACE } from './words.ts';

const AT = RING.word;
const RECORDS = RING.at.records;
const WORD = RECORD.word;
const WORDS = RECORD.words;
const DOUBLES = RECORD.bytes / 8;
/** A row of lost records that is longer is told as one of so many. */
const MOST_LOST = 0x7fff_ffff;

/** Where the rings of a trace are: plain data that can be sent to a thread. */
export interface TracePlace {
  readonly buffer: SharedArrayBuffer;
  /** Records of each ring, a power of two. */
  readonly records: number;
  readonly rings: number;
}

/**
 * Makes room for the rings of so many threads.
 *
 * @param records of each ring, a power of two from 2 on
 * @throws RangeError for another number
 */
export function createTrace(rings: number, records: number): TracePlace {
  if (records < 2 || !Number.isInteger(Math.log2(records))) {
    throw new RangeError(`A ring has 2, 4, 8, ... records, but ${records} were asked for`);
  }
  return { buffer: new SharedArrayBuffer(TRACE.bytes + rings * ringBytes(records)), records, rings };
}

/** The words before the rings. */
export function traceWords({ buffer }: TracePlace): Int32Array {
  return TRACE.over(buffer, 0);
}

function ringBytes(records: number): number {
  return RING.wordsFor(records) * Int32Array.BYTES_PER_ELEMENT;
}

function ringAt(
  { buffer, records, rings }: TracePlace,
  index: number,
): [words: Int32Array, times: Float64Array] {
  if (!Number.isInteger(index) || index < 0 || index >= rings) {
    throw new RangeError(`There is no ring ${index}: the trace has ${rings}`);
  }
  const address = TRACE.bytes + index * ringBytes(records);
  const bytes = ringBytes(records);
  return [
    new Int32Array(buffer, address, bytes / Int32Array.BYTES_PER_ELEMENT),
    new Float64Array(buffer, address, bytes / Float64Array.BYTES_PER_ELEMENT),
  ];
}

/**
 * The writing end of a ring, on the one thread that it belongs to. It never waits: without room records are counted.
 */
export class RingWriter {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #trace: Int32Array;
  readonly #capacity: number;
  #head: number;
  /** The reader's count as it was last looked at: it has only grown since. */
  #tail: number;
  #lost = 0;

  constructor(place: TracePlace, index: number) {
    [this.#words, this.#times] = ringAt(place, index);
    this.#trace = traceWords(place);
    this.#capacity = place.records;
    this.#head = Atomics.load(this.#words, AT.head);
    this.#tail = Atomics.load(this.#words, AT.tail);
  }

  /** Writes a record, or counts it as lost. */
  write(
    kind: number,
    subject: number,
    time: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
  ): void {
    const room = this.#lost === 0 ? this.#hasRoom(1) : this.#tellLost(time);
    if (room) this.#put(kind, subject, time, a, b, c, d, e);
    else this.#lose();
  }

  /** Says in the ring how many records were lost. @returns whether there was room for that, and for one record more */
  #tellLost(time: number): boolean {
    if (!this.#hasRoom(2)) return false;
    this.#put(KIND.lost, 0, time, this.#lost, 0, 0, 0, 0);
    this.#lost = 0;
    return true;
  }

  #lose(): void {
    this.#lost = Math.min(this.#lost + 1, MOST_LOST);
    // Meets the load in `RingReader.lost`.
    Atomics.add(this.#words, AT.lost, 1);
  }

  #hasRoom(records: number): boolean {
    if (((this.#head - this.#tail) | 0) + records <= this.#capacity) return true;
    // Meets the store in `RingReader.read`: records behind it may be written over.
    this.#tail = Atomics.load(this.#words, AT.tail);
    return ((this.#head - this.#tail) | 0) + records <= this.#capacity;
  }

  #put(
    kind: number,
    subject: number,
    time: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
  ): void {
    const head = this.#head;
    const slot = head & (this.#capacity - 1);
    this.#times[RECORDS / 8 + slot * DOUBLES] = time;
    const words = this.#words;
    const at = RECORDS / 4 + slot * WORDS;
    words[at + WORD.subject] = (subject << KIND_BITS) | kind;
    words[at + WORD.a] = a;
    words[at + WORD.b] = b;
    words[at + WORD.c] = c;
    words[at + WORD.d] = d;
    words[at + WORD.e] = e;
    this.#head = (head + 1) | 0;
    // Meets the load in `RingReader.read`: the record is whole when it is counted.
    Atomics.store(words, AT.head, this.#head);
    if ((this.#head & (this.#capacity / 2 - 1)) === 0) ringBell(this.#trace);
  }
}

/** Makes the reader look before its time. */
function ringBell(trace: Int32Array): void {
  // Both meet the wait in `waitForBell`.
  Atomics.add(trace, TRACE.word.bell, 1);
  Atomics.notify(trace, TRACE.word.bell);
}

/** Sleeps until a ring is half full, the reader is to end, or the time is over. For threads that may. */
export function waitForBell(trace: Int32Array, seen: number, milliseconds: number): void {
  // Meets the add in `ringBell`: returns at once when it has moved since `seen` was read.
  Atomics.wait(trace, TRACE.word.bell, seen, milliseconds);
}

/** Read before looking at the rings, and given to {@link waitForBell} when they were empty. */
export function bellOf(trace: Int32Array): number {
  // Meets the add in `ringBell`.
  return Atomics.load(trace, TRACE.word.bell);
}

/** Tells the reader to end: all that was written before is the rest. */
export function stopTrace(trace: Int32Array): void {
  // Meets the load in `isStopped`.
  Atomics.store(trace, TRACE.word.stop, 1);
  ringBell(trace);
}

export function isStopped(trace: Int32Array): boolean {
  // Meets the store in `stopTrace`.
  return Atomics.load(trace, TRACE.word.stop) !== 0;
}

/** Records that were taken out of a ring, one behind the other. */
export class RecordBatch {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  #count = 0;
  #next = 0;

  /** @param capacity records that it has room for */
  constructor(capacity: number) {
    const bytes = new ArrayBuffer(capacity * RECORD.bytes);
    this.#words = new Int32Array(bytes);
    this.#times = new Float64Array(bytes);
  }

  /** Records that were not taken yet. */
  get length(): number {
    return this.#count - this.#next;
  }

  /** Time of the next record; Infinity if there is none. */
  get time(): number {
    return this.#next < this.#count
      ? (this.#times[this.#next * DOUBLES] as number)
      : Number.POSITIVE_INFINITY;
  }

  get kind(): number {
    return this.#word(WORD.subject) & (2 ** KIND_BITS - 1);
  }

  get subject(): number {
    return this.#word(WORD.subject) >> KIND_BITS;
  }

  get a(): number {
    return this.#word(WORD.a);
  }

  get b(): number {
    return this.#word(WORD.b);
  }

  get c(): number {
    return this.#word(WORD.c);
  }

  get d(): number {
    return this.#word(WORD.d);
  }

  get e(): number {
    return this.#word(WORD.e);
  }

  /** Goes to the next record. */
  advance(): void {
    this.#next++;
  }

  /** Moves the records that were not taken to the front, so that there is room behind them. */
  compact(): void {
    if (this.#next === 0) return;
    this.#words.copyWithin(0, this.#next * WORDS, this.#count * WORDS);
    this.#count -= this.#next;
    this.#next = 0;
  }

  /** Adds the records of a ring's words from one on. @returns how many there was room for */
  append(words: Int32Array, first: number, count: number): number {
    const fits = Math.min(count, this.#words.length / WORDS - this.#count);
    this.#words.set(words.subarray(first, first + fits * WORDS), this.#count * WORDS);
    this.#count += fits;
    return fits;
  }

  #word(place: number): number {
    return this.#words[this.#next * WORDS + place] as number;
  }
}

/** The reading end of a ring, on one thread. */
export class RingReader {
  readonly #words: Int32Array;
  readonly #capacity: number;

  constructor(place: TracePlace, index: number) {
    [this.#words] = ringAt(place, index);
    this.#capacity = place.records;
  }

  /** How many records did not find room so far, modulo 2^32. */
  get lost(): number {
    // Meets the add in `RingWriter.#lose`.
    return Atomics.load(this.#words, AT.lost) >>> 0;
  }

  /** Takes records, as many as there are and fit. */
  read(into: RecordBatch): void {
    const words = this.#words;
    // Meets the store in `RingWriter.#put`.
    const head = Atomics.load(words, AT.head);
    let tail = Atomics.load(words, AT.tail);
    while (tail !== head) {
      const slot = tail & (this.#capacity - 1);
      const wanted = Math.min((head - tail) | 0, this.#capacity - slot);
      const taken = into.append(words, RECORDS / 4 + slot * WORDS, wanted);
      tail = (tail + taken) | 0;
      // Meets the load in `RingWriter.#hasRoom`: these records are copied.
      Atomics.store(words, AT.tail, tail);
      if (taken < wanted) return;
    }
  }
}

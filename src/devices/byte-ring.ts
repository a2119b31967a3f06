import { i32, many, struct, u8 } from '../layout/struct.ts';

/** How many bytes were ever taken and ever put, both modulo 2^32, then those that are there. */
const RING = struct({ TAKEN: i32, PUT: i32, BYTES: many(u8) });
const WORD = RING.word;

/**
 * A queue of bytes in shared memory, from one producer to one consumer, without a lock.
 *
 * "One" means one at a time: threads that take turns under a lock of their own count as one. Zero words are an
 * empty queue.
 */
export class ByteRing {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #first: number;
  readonly #bytes: Uint8Array;

  /**
   * @param words - shared memory
   * @param first - the ring's first word; it takes `ByteRing.wordsFor(capacity)` of them
   * @param capacity - in bytes, a power of two from 4 to 2^30
   */
  constructor(words: Int32Array, first: number, capacity: number) {
    if (capacity < 4 || capacity > 2 ** 30 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`A byte ring holds a power of two of bytes, not ${capacity}`);
    }
    this.capacity = capacity;
    this.#words = words;
    this.#first = first;
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset + 4 * first + RING.at.BYTES, capacity);
  }

  static wordsFor(capacity: number): number {
    return RING.wordsFor(capacity);
  }

  /** Bytes in the queue: at least so many for the consumer, at most so many for the producer. */
  get length(): number {
    return (this.#put() - this.#taken()) >>> 0;
  }

  /** Bytes that fit in now; never fewer later, as seen by the producer. */
  get free(): number {
    return this.capacity - this.length;
  }

  /** Producer: adds one byte. @returns false when the queue is full, and then nothing is added. */
  push(byte: number): boolean {
    const put = this.#put();
    if ((put - this.#taken()) >>> 0 === this.capacity) return false;
    this.#bytes[put & (this.capacity - 1)] = byte;
    this.#publish(WORD.PUT, put + 1);
    return true;
  }

  /** Producer: adds as many of the bytes as fit. @returns how many. */
  write(source: Uint8Array): number {
    const put = this.#put();
    const count = Math.min(source.length, this.free);
    const start = put & (this.capacity - 1);
    const untilEnd = Math.min(count, this.capacity - start);
    this.#bytes.set(source.subarray(0, untilEnd), start);
    this.#bytes.set(source.subarray(untilEnd, count), 0);
    this.#publish(WORD.PUT, put + count);
    return count;
  }

  /** Consumer: takes one byte. @returns -1 when the queue is empty. */
  shift(): number {
    const taken = this.#taken();
    if (taken === this.#put()) return -1;
    const byte = this.#bytes[taken & (this.capacity - 1)];
    this.#publish(WORD.TAKEN, taken + 1);
    return byte;
  }

  /** Consumer: takes everything that is there, as a copy. */
  takeAll(): Uint8Array<ArrayBuffer> {
    const taken = this.#taken();
    const count = (this.#put() - taken) >>> 0;
    const start = taken & (this.capacity - 1);
    const untilEnd = Math.min(count, this.capacity - start);
    const result = new Uint8Array(count);
    result.set(this.#bytes.subarray(start, start + untilEnd), 0);
    result.set(this.#bytes.subarray(0, count - untilEnd), untilEnd);
    this.#publish(WORD.TAKEN, taken + count);
    return result;
  }

  #put(): number {
    // Counterpart: the consumer's view of PUT is the producer's store in #publish, after the bytes it covers.
    return Atomics.load(this.#words, this.#first + WORD.PUT);
  }

  #taken(): number {
    // Counterpart: the producer's view of TAKEN is the consumer's store in #publish, after it has read the bytes.
    return Atomics.load(this.#words, this.#first + WORD.TAKEN);
  }

  #publish(word: number, value: number): void {
    // Counterparts: the loads in #put and #taken of the other side.
    Atomics.store(this.#words, this.#first + word, value | 0);
  }
}

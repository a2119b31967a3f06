import { array, i32, many, struct } from '../../layout/struct.ts';
import type { AccessWidth, MsiSink } from '../device.ts';

const ENTRY = struct({
  ADDRESS_LOW: i32,
  ADDRESS_HIGH: i32,
  DATA: i32,
  /** Inverted, since entries are masked after a reset and shared words are 0. */
  CONTROL: i32,
});
const TABLE = struct({
  /** A bit for each of 64 vectors: there was a reason for a message while it was masked. */
  PENDING: array(i32, 2),
  ENTRIES: many(ENTRY),
});
const MASK = 1;
const ENTRY_BYTES = ENTRY.bytes;

/**
 * The table of messages of a function, and those that are pending (PCI 3.0, section 6.8.2). Its state is in shared
 * words; its callers hold the lock of the function.
 */
export class MsixTable {
  /** The layout of its words. */
  static readonly STATE = TABLE;
  /** Bytes of the pending bits. */
  static readonly PENDING_BYTES = 8;
  readonly #words: Int32Array;
  readonly #vectors: number;
  readonly #msi: MsiSink;

  /** @param vectors - up to 64 */
  constructor(words: Int32Array, vectors: number, msi: MsiSink) {
    if (vectors > 64) throw new RangeError(`${vectors} vectors of one function, where 64 are possible`);
    this.#words = words;
    this.#vectors = vectors;
    this.#msi = msi;
  }

  static wordsFor(vectors: number): number {
    return TABLE.wordsFor(vectors);
  }

  /** Bytes of the table. */
  get bytes(): number {
    return ENTRY_BYTES * this.#vectors;
  }

  read(offset: number, width: AccessWidth): number {
    if (width !== 4 || offset >= this.bytes) return 0;
    const at = offset >> 2;
    const word = this.#words[TABLE.word.ENTRIES + at];
    return isControl(at) ? ~word & MASK : word;
  }

  readPending(offset: number, width: AccessWidth): number {
    return width === 4 && offset < MsixTable.PENDING_BYTES
      ? this.#words[TABLE.word.PENDING + (offset >> 2)]
      : 0;
  }

  /** @param live whether messages are enabled, and not all of the function's are masked */
  write(offset: number, width: AccessWidth, value: number, live: boolean): void {
    if (width !== 4 || offset >= this.bytes) return;
    const at = offset >> 2;
    this.#words[TABLE.word.ENTRIES + at] = isControl(at) ? ~value & MASK : value;
    if (live) this.sendPending();
  }

  /** There is a reason for a message. */
  raise(vector: number, live: boolean): void {
    if (vector >= this.#vectors) return;
    if (live && !this.#isMasked(vector)) this.#send(vector);
    else this.#words[TABLE.word.PENDING + (vector >> 5)] |= 1 << (vector & 31);
  }

  /** Messages are live, and may not have been. */
  sendPending(): void {
    for (let vector = 0; vector < this.#vectors; vector++) {
      const word = TABLE.word.PENDING + (vector >> 5);
      const bit = 1 << (vector & 31);
      if ((this.#words[word] & bit) === 0 || this.#isMasked(vector)) continue;
      this.#words[word] &= ~bit;
      this.#send(vector);
    }
  }

  #isMasked(vector: number): boolean {
    return (this.#words[this.#entry(vector) + ENTRY.word.CONTROL] & MASK) === 0;
  }

  /** Only interrupt files take messages: nothing else is written in the guest's name. */
  #send(vector: number): void {
    const entry = this.#entry(vector);
    const low = this.#words[entry + ENTRY.word.ADDRESS_LOW] >>> 0;
    const high = this.#words[entry + ENTRY.word.ADDRESS_HIGH] >>> 0;
    this.#msi.send(high * 2 ** 32 + low, this.#words[entry + ENTRY.word.DATA] >>> 0);
  }

  #entry(vector: number): number {
    return TABLE.word.ENTRIES + ENTRY.words * vector;
  }
}

function isControl(word: number): boolean {
  return word % ENTRY.words === ENTRY.word.CONTROL;
}

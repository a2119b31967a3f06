import { FIELD } from './layout.ts';

const RETIRED = FIELD.rowRetired >> 2;
const LENGTH = FIELD.rowLength >> 2;
const CAUSE = FIELD.rowCause >> 2;
const PC = FIELD.rowPc >> 2;
const TOTAL = FIELD.rowTotal >> 2;
const TWO_32 = 0x1_0000_0000;

/**
 * Exceptions that follow each other with no instruction retired in between: a handler that cannot be fetched, or whose
 * first instruction faults, raises the next exception for ever. Real harts do the same; only an interrupt, a reset or
 * another hart that repairs memory ends it.
 */
export class ExceptionRow {
  readonly #words: Int32Array;
  /** The newest one, if it is not the first of its row. */
  #cause = 0;
  #pcLow = 0;
  #pcHigh = 0;

  /** @param words the hart block, where generated code begins rows of its own */
  constructor(words: Int32Array) {
    this.#words = words;
    words.fill(-1, RETIRED, RETIRED + 2);
    words.fill(0, LENGTH, TOTAL + 2);
  }

  /** How many there were so far in the row. */
  get length(): number {
    return this.#words[LENGTH] as number;
  }

  /** Exceptions of all rows together. */
  get total(): number {
    return (this.#words[TOTAL + 1] as number) * TWO_32 + ((this.#words[TOTAL] as number) >>> 0);
  }

  /** The exception that began the row: the first fault. */
  get firstCause(): number {
    return this.#words[CAUSE] as number;
  }

  get firstPcLow(): number {
    return this.#words[PC] as number;
  }

  get firstPcHigh(): number {
    return this.#words[PC + 1] as number;
  }

  /** The newest one. */
  get cause(): number {
    return this.length > 1 ? this.#cause : this.firstCause;
  }

  get pcLow(): number {
    return this.length > 1 ? this.#pcLow : this.firstPcLow;
  }

  get pcHigh(): number {
    return this.length > 1 ? this.#pcHigh : this.firstPcHigh;
  }

  /**
   * Notes an exception.
   *
   * @param retired instructions that the hart has retired so far
   * @returns the length of the row
   */
  note(retired: number, cause: number, pcLow: number, pcHigh: number): number {
    const words = this.#words;
    const low = retired | 0;
    const high = Math.floor(retired / TWO_32) | 0;
    if (low !== words[RETIRED] || high !== words[RETIRED + 1]) {
      words[RETIRED] = low;
      words[RETIRED + 1] = high;
      words[LENGTH] = 0;
      words[CAUSE] = cause;
      words[PC] = pcLow;
      words[PC + 1] = pcHigh;
    }
    this.#cause = cause;
    this.#pcLow = pcLow;
    this.#pcHigh = pcHigh;
    const total = ((words[TOTAL] as number) + 1) | 0;
    words[TOTAL] = total;
    if (total === 0) words[TOTAL + 1] = (words[TOTAL + 1] as number) + 1;
    const length = (words[LENGTH] as number) + 1;
    words[LENGTH] = length;
    return length;
  }
}

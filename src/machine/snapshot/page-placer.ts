import { SECTION_PAGES } from './format.ts';
import { PAGE } from './ram-pages.ts';

const WORD = Int32Array.BYTES_PER_ELEMENT;
/** The most that comes before the pages of a section: how many runs, first page and number of pages of each. */
export const MOST_RUNS_BYTES = WORD * (1 + 2 * SECTION_PAGES);

/** Puts the pages of a section of RAM into their places, in pieces as they are unpacked. No place is believed. */
export class PagePlacer {
  readonly #ram: Uint8Array;
  /** The bytes before the pages, until they are whole. */
  readonly #head = new Uint8Array(MOST_RUNS_BYTES);
  readonly #words = new DataView(this.#head.buffer);
  #headBytes = 0;
  #runs = 0;
  /** The run that comes next, and the part of RAM that is filled now. */
  #run = 0;
  #at = 0;
  #end = 0;
  #isWrong = false;

  /** @param ram all of it */
  constructor(ram: Uint8Array) {
    this.#ram = ram;
  }

  /** All that was given had its place, and no page of a run is missing. */
  get isWhole(): boolean {
    return (
      this.#runs > 0 &&
      !this.#isWrong &&
      this.#headLength === this.#headBytes &&
      this.#run === this.#runs &&
      this.#at === this.#end
    );
  }

  /** Takes the bytes that come next. */
  take(piece: Uint8Array): void {
    let rest = this.#takeHead(piece);
    while (rest.length > 0 && !this.#isWrong) {
      if (this.#at === this.#end && !this.#next()) {
        this.#isWrong = true;
        return;
      }
      const part = rest.subarray(0, this.#end - this.#at);
      this.#ram.set(part, this.#at);
      this.#at += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** Bytes of the head, as far as that is known. */
  get #headLength(): number {
    return this.#headBytes < WORD ? WORD : WORD * (1 + 2 * this.#runs);
  }

  /** @returns the bytes behind the head */
  #takeHead(piece: Uint8Array): Uint8Array {
    let rest = piece;
    while (this.#headBytes < this.#headLength && rest.length > 0) {
      const part = rest.subarray(0, this.#headLength - this.#headBytes);
      this.#head.set(part, this.#headBytes);
      this.#headBytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#headBytes === WORD) this.#runs = this.#words.getUint32(0, true);
      if (this.#runs > SECTION_PAGES) {
        this.#isWrong = true;
        break;
      }
    }
    return rest;
  }

  /** Goes to the next run. @returns false when there is none, or none that is within RAM */
  #next(): boolean {
    if (this.#run === this.#runs) return false;
    const word = WORD * (1 + 2 * this.#run++);
    this.#at = this.#words.getUint32(word, true) * PAGE;
    this.#end = this.#at + this.#words.getUint32(word + WORD, true) * PAGE;
    return this.#end > this.#at && this.#end <= this.#ram.length;
  }
}

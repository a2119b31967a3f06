import { FIELD } from './layout.ts';

const INSTRET = FIELD.instret >> 2;
const FUEL = FIELD.fuel >> 2;
const CHUNK = FIELD.chunk >> 2;
const PAUSES = FIELD.pauses >> 2;
const BUDGET = FIELD.budget >> 2;
/** More than a run can have. */
export const NO_LIMIT = 2 ** 31 - 1;
const TWO_32 = 0x1_0000_0000;

/**
 * The instructions that a hart has retired and those that it may still start. Generated code counts down the budget of
 * a chunk; the sum is added up when the chunk ends, or here.
 */
export class InstructionCount {
  readonly #words: Int32Array;
  /** PAUSE instructions after which the next poll ends a run. */
  mostPauses = NO_LIMIT;

  /** @param words the hart block */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Instructions retired up to the start of the chunk under way, as a double: exact below 2^53. */
  get retired(): number {
    return (this.#words[INSTRET + 1] as number) * TWO_32 + ((this.#words[INSTRET] as number) >>> 0);
  }

  /** Instructions of the chunk under way that have retired, with the current one. */
  get inChunk(): number {
    return (this.#words[CHUNK] as number) - (this.#words[BUDGET] as number);
  }

  /** The chunk under way is used up: it is time to look whether the hart shall go on. */
  get chunkIsOver(): boolean {
    return (this.#words[BUDGET] as number) <= 0;
  }

  /** Between two chunks: more instructions may be started. */
  get hasFuel(): boolean {
    return (this.#words[FUEL] as number) > 0;
  }

  get fuelIsUsedUp(): boolean {
    return (this.#words[FUEL] as number) <= this.inChunk;
  }

  /** {@link mostPauses} were carried out since {@link start}. */
  get waits(): boolean {
    return (this.#words[PAUSES] as number) <= 0;
  }

  /** Allows about `fuel` instructions; nothing of them is granted yet. */
  start(fuel: number): void {
    this.#words[PAUSES] = this.mostPauses;
    this.#words[FUEL] = fuel;
    this.#words[CHUNK] = 0;
    this.#words[BUDGET] = 0;
  }

  /** Ends the chunk under way, and allows `fuel` instructions from here on, but no more than before. */
  restrict(fuel: number): void {
    const left = (this.#words[FUEL] as number) - this.inChunk;
    this.endChunk();
    this.#words[FUEL] = Math.max(0, Math.min(left, fuel));
  }

  /** Leaves no fuel but for the chunk under way. */
  exhaust(): void {
    this.#words[FUEL] = Math.min(this.#words[FUEL] as number, Math.max(this.inChunk, 0));
  }

  /** Ends the chunk under way; the rest of the fuel stays. */
  endEarly(): void {
    this.restrict(Number.MAX_SAFE_INTEGER);
  }

  /** The current instruction does not retire. */
  takeBack(): void {
    this.#words[BUDGET] = (this.#words[BUDGET] as number) + 1;
  }

  /** Ends the chunk under way and adds it to the retired instructions. */
  endChunk(): void {
    const words = this.#words;
    const sum = ((words[INSTRET] as number) >>> 0) + this.inChunk;
    words[INSTRET] = sum | 0;
    if (sum >= TWO_32) words[INSTRET + 1] = (words[INSTRET + 1] as number) + 1;
    words[CHUNK] = 0;
    words[BUDGET] = 0;
  }

  /** Leaves the instructions retired before the current one in `out`. */
  readBefore(out: { low: number; high: number }): void {
    const sum = ((this.#words[INSTRET] as number) >>> 0) + Math.max(this.inChunk - 1, 0);
    out.low = sum | 0;
    out.high = ((this.#words[INSTRET + 1] as number) + (sum >= TWO_32 ? 1 : 0)) | 0;
  }
}

import { CSR_COUNT, FIELD, HART_BYTES } from './layout.ts';

/** The state of one hart in linear memory, as TypeScript sees it. */
export class HartState {
  readonly memory: WebAssembly.Memory;
  /** Byte address of the hart block in linear memory. */
  readonly base: number;
  /** The hart block as 32-bit words; index = FIELD offset >> 2. */
  readonly words: Int32Array;
  /**
   * The same words without sign, to read those that are addresses in linear memory: they may be 2^31 and more, where
   * {@link words} has negative numbers. Index in words of other sizes by division then, not by shifts.
   */
  readonly addresses: Uint32Array;
  /** CSR halves; index with `CSR.name` (low) and `CSR.name + 1` (high). */
  readonly csr: Int32Array;

  constructor(memory: WebAssembly.Memory, base: number) {
    this.memory = memory;
    this.base = base;
    this.words = new Int32Array(memory.buffer, base, HART_BYTES >> 2);
    this.addresses = new Uint32Array(memory.buffer, base, HART_BYTES >> 2);
    this.csr = new Int32Array(memory.buffer, base + FIELD.csr, CSR_COUNT * 2);
  }

  /** Low 32 bits of x register `index`. */
  xLow(index: number): number {
    return this.words[index * 2] as number;
  }

  xHigh(index: number): number {
    return this.words[index * 2 + 1] as number;
  }

  /** Writes x register `index`; writes to x0 are dropped. */
  setX(index: number, low: number, high: number): void {
    if (index === 0) return;
    this.words[index * 2] = low;
    this.words[index * 2 + 1] = high;
  }

  get pcLow(): number {
    return this.words[FIELD.pc >> 2] as number;
  }

  get pcHigh(): number {
    return this.words[(FIELD.pc >> 2) + 1] as number;
  }

  setPc(low: number, high: number): void {
    this.words[FIELD.pc >> 2] = low;
    this.words[(FIELD.pc >> 2) + 1] = high;
  }

  get privilege(): number {
    return this.words[FIELD.privilege >> 2] as number;
  }

  set privilege(value: number) {
    this.words[FIELD.privilege >> 2] = value;
  }

  /** V: 1 in VS- and VU-mode. */
  get virtual(): number {
    return this.words[FIELD.virtual >> 2] as number;
  }

  set virtual(value: number) {
    this.words[FIELD.virtual >> 2] = value;
  }

  get hsHost(): boolean {
    return this.words[FIELD.hsHost >> 2] !== 0;
  }
}

import type { Xlen } from '../isa/index.ts';
import { FIELD, HART } from './layout.ts';

/** The state of one hart in linear memory, as TypeScript sees it. */
export class HartState {
  readonly memory: WebAssembly.Memory;
  /** Byte address of the hart block in linear memory. */
  readonly base: number;
  readonly xlen: Xlen;
  /** Bits of the upper half that addresses and registers have: all on RV64, none on RV32. */
  readonly upper: number;
  /** The hart block as 32-bit words; index = FIELD offset >> 2. */
  readonly words: Int32Array;
  /**
   * The same words without sign, to read those that are addresses in linear memory: they may be 2^31 and more, where
   * {@link words} has negative numbers. Index in words of other sizes by division then, not by shifts.
   */
  readonly addresses: Uint32Array;
  /** Halves of x0 to x31, which are sign-extended on RV32, and of f0 to f31: low ones at even places. */
  readonly x: Int32Array;
  readonly f: Int32Array;
  /** CSR halves; index with `CSR.name` (low) and `CSR.name + 1` (high). */
  readonly csr: Int32Array;

  constructor(memory: WebAssembly.Memory, base: number, xlen: Xlen = 64) {
    this.memory = memory;
    this.base = base;
    this.xlen = xlen;
    this.upper = xlen === 64 ? -1 : 0;
    this.words = HART.over(memory.buffer, base);
    this.addresses = new Uint32Array(memory.buffer, base, this.words.length);
    this.x = HART.view('x', memory.buffer, base);
    this.f = HART.view('f', memory.buffer, base);
    this.csr = HART.view('csr', memory.buffer, base);
  }

  /** Low 32 bits of x register `index`. */
  xLow(index: number): number {
    return this.x[index * 2] as number;
  }

  xHigh(index: number): number {
    return this.x[index * 2 + 1] as number;
  }

  /** The high half of x register `index` as an address, which is zero-extended. */
  addressHigh(index: number): number {
    return this.xHigh(index) & this.upper;
  }

  /** Writes x register `index`; writes to x0 are dropped, and on RV32 the high half is the sign of the low one. */
  setX(index: number, low: number, high: number): void {
    if (index === 0) return;
    this.x[index * 2] = low;
    this.x[index * 2 + 1] = this.xlen === 64 ? high : low >> 31;
  }

  get pcLow(): number {
    return this.words[FIELD.pc >> 2] as number;
  }

  get pcHigh(): number {
    return this.words[(FIELD.pc >> 2) + 1] as number;
  }

  /** An address beyond the last one is counted from 0 on. */
  setPc(low: number, high: number): void {
    this.words[FIELD.pc >> 2] = low;
    this.words[(FIELD.pc >> 2) + 1] = high & this.upper;
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

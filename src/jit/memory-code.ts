import { type AtomicCode, LOADS, STORE_NAMES, WORD_LOADS, WORD_STORE_NAMES } from '../codegen/index.ts';
import type {
  AmoOperation,
  AmoWidth,
  AtomicWidth,
  LoadKind,
  MemorySemantics,
  StoreWidth,
  Xlen,
} from '../isa/index.ts';
import { type FunctionBuilder, type I64, i64, indexHole, type Local, localHole } from '../wasm/index.ts';
import { HOLE } from './frame-locals.ts';
import type { HartLayout } from './hart-layout.ts';
import { probe } from './probe.ts';

const PAGE_MASK = -4096;

/**
 * Memory accesses of compiled code. Plain ones are relative to the place that the check of their group has found;
 * atomic ones have a check of their own.
 */
export class MemoryCode implements MemorySemantics {
  readonly #f: FunctionBuilder;
  readonly #layout: HartLayout;
  readonly #atomics: AtomicCode;
  readonly #xlen: Xlen;
  readonly #far: boolean;
  readonly #host = localHole('i32', HOLE.host);

  /** @param far the instruction is outside of the page of the entry */
  constructor(f: FunctionBuilder, layout: HartLayout, atomics: AtomicCode, xlen: Xlen, far: boolean) {
    this.#f = f;
    this.#layout = layout;
    this.#atomics = atomics;
    this.#xlen = xlen;
    this.#far = far;
  }

  /** Of RV32 values that fit into a register are loaded with 32 bits: a load of 64 would be cut to them afterwards. */
  readonly load = (kind: LoadKind): I64 => {
    const offset = indexHole(HOLE.offset);
    if (this.#xlen === 64 || kind === 'i64') return this.#f.let(LOADS[kind](this.#host, offset));
    const value = this.#f.let(WORD_LOADS[kind](this.#host, offset));
    return kind === 'u32' ? i64.extend_i32_u(value) : i64.extend_i32_s(value);
  };

  readonly store = (width: StoreWidth, _address: I64, value: I64): void => {
    const offset = indexHole(HOLE.offset);
    if (this.#xlen === 64 || width === 64) this.#f.store(STORE_NAMES[width], this.#host, value, offset);
    else this.#f.store(WORD_STORE_NAMES[width], this.#host, value.narrowed(), offset);
  };

  readonly amo = (operation: AmoOperation, width: AmoWidth, address: I64, value: I64): I64 =>
    this.#atomics.amo(operation, width, this.#single(address, width / 8, true), value);

  readonly compareExchange = (width: AmoWidth, address: I64, expected: I64, value: I64): I64 =>
    this.#atomics.compareExchange(width, this.#single(address, width / 8, true), expected, value);

  readonly loadReserved = (width: AtomicWidth, address: I64): I64 =>
    this.#atomics.loadReserved(width, this.#single(address, width / 8, false));

  readonly storeConditional = (width: AtomicWidth, address: I64, value: I64): I64 =>
    this.#atomics.storeConditional(width, this.#single(address, width / 8, true), value);

  readonly fence = (): void => this.#atomics.fence();

  #single(address: I64, bytes: number, stores: boolean): Local<'i32'> {
    const host = this.#f.local('i32');
    const last = i64.const(bytes - 1);
    const mask = i64.const(PAGE_MASK | (bytes - 1));
    probe(this.#f, this.#layout, host, {
      address,
      stores,
      last,
      aligned: last,
      mask,
      isLong: false,
      far: this.#far,
      addendOnly: false,
      guessed: false,
    });
    return host;
  }
}

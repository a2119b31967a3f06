import { type AtomicCode, LOADS, STORE_NAMES } from '../codegen/index.ts';
import type { AmoOperation, AtomicWidth, LoadKind, MemorySemantics, StoreWidth } from '../isa/index.ts';
import { type FunctionBuilder, type I64, i64, indexHole, type Local, localHole } from '../wasm/index.ts';
import { HOLE } from './frame-locals.ts';
import type { HartLayout } from './hart-layout.ts';
import { probe } from './probe.ts';

const PAGE_MASK = -4096;

/**
 * Memory accesses of compiled code. Plain ones are relative to what the check of their group has found; atomic ones
 * have a check of their own.
 */
export class MemoryCode implements MemorySemantics {
  readonly #f: FunctionBuilder;
  readonly #layout: HartLayout;
  readonly #atomics: AtomicCode;
  readonly #far: boolean;
  readonly #host = localHole('i32', HOLE.host);

  /** @param far the instruction is outside of the page of the entry */
  constructor(f: FunctionBuilder, layout: HartLayout, atomics: AtomicCode, far: boolean) {
    this.#f = f;
    this.#layout = layout;
    this.#atomics = atomics;
    this.#far = far;
  }

  readonly load = (kind: LoadKind): I64 => this.#f.let(LOADS[kind](this.#host, indexHole(HOLE.offset)));

  readonly store = (width: StoreWidth, _address: I64, value: I64): void =>
    this.#f.store(STORE_NAMES[width], this.#host, value, indexHole(HOLE.offset));

  readonly amo = (operation: AmoOperation, width: AtomicWidth, address: I64, value: I64): I64 =>
    this.#atomics.amo(operation, width, this.#single(address, width / 8, true), value);

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
    });
    return host;
  }
}

import { AtomicCode, LOADS, STORE_NAMES } from '../../codegen/index.ts';
import type {
  AmoOperation,
  AmoWidth,
  AtomicWidth,
  LoadKind,
  MemorySemantics,
  StoreWidth,
} from '../../isa/index.ts';
import { type Expr, type I64, i32, i64, type Label, type Local } from '../../wasm/index.ts';
import { FIELD, TLB } from '../layout.ts';
import { ATOMIC_READ } from './call-outs.ts';
import type { Frame } from './frame.ts';
import { LOAD_KINDS } from './load-kinds.ts';
import { DATUM, tlbEntry } from './tlb-code.ts';

/** Memory accesses of the interpreter: a TLB probe in line, everything else by call-out. */
export class MemoryCode implements MemorySemantics {
  readonly #frame: Frame;
  readonly #atomics: AtomicCode;

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#atomics = new AtomicCode(frame.f, frame.hart, FIELD, false);
  }

  load = (kind: LoadKind, address: I64): I64 => {
    const { f, hart, privileged } = this.#frame;
    const number = LOAD_KINDS.findIndex((entry) => entry.kind === kind);
    const bytes = LOAD_KINDS[number]?.bytes ?? 8;
    const virtual = f.let(address);
    const value = f.local('i64');
    f.block((done) => {
      f.block((miss) => {
        f.set(value, LOADS[kind](this.#probe(TLB.loads, FIELD.loadKey, virtual, bytes, miss)));
        f.br(done);
      });
      f.store('i64.store', hart, virtual, FIELD.mailboxAddress);
      this.#frame.callOut(privileged.load, hart, i32.const(number));
      f.set(value, i64.load(hart, FIELD.mailboxValue));
    });
    return value;
  };

  store = (width: StoreWidth, address: I64, value: I64): void => {
    const { f, hart, privileged } = this.#frame;
    const virtual = f.let(address);
    f.block((done) => {
      f.block((miss) => {
        const host = this.#probe(TLB.stores, FIELD.storeKey, virtual, width / 8, miss);
        f.store(STORE_NAMES[width], host, value);
        f.br(done);
      });
      f.store('i64.store', hart, virtual, FIELD.mailboxAddress);
      f.store('i64.store', hart, value, FIELD.mailboxValue);
      this.#frame.callOut(privileged.store, hart, i32.const(width / 8));
    });
  };

  amo = (operation: AmoOperation, width: AmoWidth, address: I64, value: I64): I64 => {
    const host = this.#atomicHost(TLB.stores, FIELD.storeKey, address, width / 8);
    return this.#atomics.amo(operation, width, host, value);
  };

  compareExchange = (width: AmoWidth, address: I64, expected: I64, value: I64): I64 => {
    const host = this.#atomicHost(TLB.stores, FIELD.storeKey, address, width / 8);
    return this.#atomics.compareExchange(width, host, expected, value);
  };

  loadReserved = (width: AtomicWidth, address: I64): I64 => {
    const host = this.#atomicHost(TLB.loads, FIELD.loadKey, address, width / 8, ATOMIC_READ);
    return this.#atomics.loadReserved(width, host);
  };

  storeConditional = (width: AtomicWidth, address: I64, value: I64): I64 => {
    const host = this.#atomicHost(TLB.stores, FIELD.storeKey, address, width / 8);
    return this.#atomics.storeConditional(width, host, value);
  };

  fence = (): void => this.#atomics.fence();

  /**
   * The address in linear memory of a virtual address, or a branch to `miss`: the tag differs for another page or
   * context and for misaligned addresses, whose low bits are kept.
   */
  #probe(table: number, key: number, virtual: Local<'i64'>, bytes: number, miss: Label): Expr<'i32'> {
    const { f, hart } = this.#frame;
    const entry = f.let(tlbEntry(hart, virtual));
    const wanted = i64.or(i64.and(virtual, i64.const(-4096 | (bytes - 1))), i64.load(hart, key));
    f.brIf(miss, i64.ne(i64.load(entry, table), wanted));
    return i32.add(i32.wrap_i64(virtual), i32.load(entry, table + DATUM));
  }

  #atomicHost(table: number, key: number, address: I64, bytes: number, flags = 0): Local<'i32'> {
    const { f, hart, privileged } = this.#frame;
    const virtual = f.let(address);
    const host = f.local('i32');
    f.block((done) => {
      f.block((miss) => {
        f.set(host, this.#probe(table, key, virtual, bytes, miss));
        f.br(done);
      });
      f.store('i64.store', hart, virtual, FIELD.mailboxAddress);
      this.#frame.callOut(privileged.atomic, hart, i32.const(bytes + flags));
      f.set(host, i32.load(hart, FIELD.mailboxValue));
    });
    return host;
  }
}

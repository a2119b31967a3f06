import type { AmoOperation, AtomicWidth, LoadKind, MemorySemantics, StoreWidth } from '../../isa/index.ts';
import { type Expr, type I32, type I64, i32, i64, type Label, type Local, select } from '../../wasm/index.ts';
import { FIELD, TLB } from '../layout.ts';
import type { Frame } from './frame.ts';
import { LOAD_KINDS, LOADS, STORE_NAMES } from './load-kinds.ts';

/** What atomic memory operations use of the instructions of one width. */
interface Integer<T extends 'i32' | 'i64'> {
  readonly atomic: {
    load(address: I32): Expr<T>;
    rmwXchg(address: I32, value: Expr<T>): Expr<T>;
    rmwAdd(address: I32, value: Expr<T>): Expr<T>;
    rmwAnd(address: I32, value: Expr<T>): Expr<T>;
    rmwOr(address: I32, value: Expr<T>): Expr<T>;
    rmwXor(address: I32, value: Expr<T>): Expr<T>;
    rmwCmpxchg(address: I32, expected: Expr<T>, replacement: Expr<T>): Expr<T>;
  };
  ne(a: Expr<T>, b: Expr<T>): I32;
  lt_s(a: Expr<T>, b: Expr<T>): I32;
  lt_u(a: Expr<T>, b: Expr<T>): I32;
  gt_s(a: Expr<T>, b: Expr<T>): I32;
  gt_u(a: Expr<T>, b: Expr<T>): I32;
}

/** The comparison under which the old value stays. */
const COMPARISON = { min: 'lt_s', minu: 'lt_u', max: 'gt_s', maxu: 'gt_u' } as const;

/** Added to the width in the argument of the `atomic` call-out: read permission suffices. */
export const ATOMIC_READ = 16;

/** Memory accesses of the interpreter: a TLB probe in line, everything else by call-out. */
export class MemoryCode implements MemorySemantics {
  readonly #frame: Frame;

  constructor(frame: Frame) {
    this.#frame = frame;
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

  amo = (operation: AmoOperation, width: AtomicWidth, address: I64, value: I64): I64 => {
    const { f } = this.#frame;
    const host = this.#atomicHost(TLB.stores, FIELD.storeKey, address, width / 8);
    return width === 32
      ? f.let(i64.extend_i32_s(this.#modify(i32, operation, host, i32.wrap_i64(value))))
      : f.let(this.#modify(i64, operation, host, value));
  };

  /**
   * The reservation is the address and the value: a store-conditional succeeds if memory still holds that value, so
   * a change and back by another hart in between goes unseen (as in QEMU).
   */
  loadReserved = (width: AtomicWidth, address: I64): I64 => {
    const { f, hart } = this.#frame;
    const host = this.#atomicHost(TLB.loads, FIELD.loadKey, address, width / 8, ATOMIC_READ);
    // Sequentially consistent load: pairs with the compare-exchange of storeConditional on any hart.
    const value = f.let(width === 32 ? i64.extend_i32_s(i32.atomic.load(host)) : i64.atomic.load(host));
    f.store('i32.store', hart, host, FIELD.reservation);
    f.store('i32.store', hart, i32.const(width), FIELD.reservationWidth);
    f.store('i64.store', hart, value, FIELD.reservationValue);
    return value;
  };

  storeConditional = (width: AtomicWidth, address: I64, value: I64): I64 => {
    const { f, hart } = this.#frame;
    const host = this.#atomicHost(TLB.stores, FIELD.storeKey, address, width / 8);
    const failed = f.local('i64');
    f.set(failed, i64.const(1));
    const holds = i32.and(
      i32.eq(i32.load(hart, FIELD.reservation), host),
      i32.eq(i32.load(hart, FIELD.reservationWidth), i32.const(width)),
    );
    const expected = i64.load(hart, FIELD.reservationValue);
    f.if(holds, () => {
      // Compare-exchange: pairs with the load of loadReserved and with stores of any hart.
      const lost =
        width === 32
          ? i32.ne(
              i32.atomic.rmwCmpxchg(host, i32.wrap_i64(expected), i32.wrap_i64(value)),
              i32.wrap_i64(expected),
            )
          : i64.ne(i64.atomic.rmwCmpxchg(host, expected, value), expected);
      f.set(failed, i64.extend_i32_u(lost));
    });
    f.store('i32.store', hart, i32.const(0), FIELD.reservation);
    return failed;
  };

  fence = (): void => this.#frame.f.atomicFence();

  /**
   * The address in linear memory of a virtual address, or a branch to `miss`: the tag differs for another page or
   * context and for misaligned addresses, whose low bits are kept.
   */
  #probe(table: number, key: number, virtual: Local<'i64'>, bytes: number, miss: Label): Expr<'i32'> {
    const { f, hart } = this.#frame;
    const index = i32.and(
      i32.wrap_i64(i64.shr_u(virtual, i64.const(8))),
      i32.const((TLB.entries - 1) * TLB.entryBytes),
    );
    const entry = f.let(i32.add(index, i32.load(hart, FIELD.tlb)));
    const wanted = i64.or(i64.and(virtual, i64.const(-4096 | (bytes - 1))), i64.load(hart, key));
    f.brIf(miss, i64.ne(i64.load(entry, table), wanted));
    return i32.add(i32.wrap_i64(virtual), i32.load(entry, table + 8));
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

  /** The old value. Read-modify-writes are sequentially consistent; they pair with all atomics of other harts. */
  #modify<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    operation: AmoOperation,
    host: Local<'i32'>,
    value: Expr<T>,
  ): Expr<T> {
    const { atomic } = integer;
    switch (operation) {
      case 'swap':
        return atomic.rmwXchg(host, value);
      case 'add':
        return atomic.rmwAdd(host, value);
      case 'and':
        return atomic.rmwAnd(host, value);
      case 'or':
        return atomic.rmwOr(host, value);
      case 'xor':
        return atomic.rmwXor(host, value);
      default:
        return this.#choose(integer, COMPARISON[operation], host, value);
    }
  }

  /** Minimum and maximum, for which WebAssembly has no atomic: compare-exchange until nobody came in between. */
  #choose<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    comparison: (typeof COMPARISON)[keyof typeof COMPARISON],
    host: Local<'i32'>,
    value: Expr<T>,
  ): Expr<T> {
    const { f } = this.#frame;
    const operand = f.let(value);
    const old = f.let(integer.atomic.load(host));
    const seen = f.local(old.type);
    f.loop((again) => {
      const replacement = select(integer[comparison](old, operand), old, operand);
      f.set(seen, integer.atomic.rmwCmpxchg(host, old, replacement));
      f.if(integer.ne(seen, old), () => {
        f.set(old, seen);
        f.br(again);
      });
    });
    return old;
  }
}

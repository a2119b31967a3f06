import type { AmoOperation, AmoWidth, AtomicWidth } from '../isa/index.ts';
import {
  type Expr,
  type FunctionBuilder,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  select,
} from '../wasm/index.ts';

/** Where the hart block has the LR reservation, in bytes. */
export interface ReservationFields {
  readonly reservation: number;
  readonly reservationWidth: number;
  readonly reservationValue: number;
}

/** Instructions of one width that atomic memory operations use; values are as an access gives them. */
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
  /** An operand, cut to an access's width. */
  take(value: I64): Expr<T>;
  /** A value as registers keep it: sign-extended. */
  extend(value: Expr<T>): I64;
  ne(a: Expr<T>, b: Expr<T>): I32;
  lt_s(a: Expr<T>, b: Expr<T>): I32;
  lt_u(a: Expr<T>, b: Expr<T>): I32;
  gt_s(a: Expr<T>, b: Expr<T>): I32;
  gt_u(a: Expr<T>, b: Expr<T>): I32;
  // Plain accesses and operations, for a hart that nobody can watch.
  readonly store: StoreName;
  load(address: I32): Expr<T>;
  eq(a: Expr<T>, b: Expr<T>): I32;
  add(a: Expr<T>, b: Expr<T>): Expr<T>;
  and(a: Expr<T>, b: Expr<T>): Expr<T>;
  or(a: Expr<T>, b: Expr<T>): Expr<T>;
  xor(a: Expr<T>, b: Expr<T>): Expr<T>;
}

type StoreName = Parameters<FunctionBuilder['store']>[0];

const doublewords: Integer<'i64'> = {
  ...i64,
  store: 'i64.store',
  take: (value) => value,
  extend: (value) => value,
};
const words: Integer<'i32'> = {
  ...i32,
  store: 'i32.store',
  take: (value) => i32.wrap_i64(value),
  extend: (value) => i64.extend_i32_s(value),
};

/** Numbers of 8 or 16 bits, zero-extended as accesses give them. */
function parts(bits: 8 | 16): Integer<'i32'> {
  const { atomic } = i32;
  const signed = bits === 8 ? i32.extend8_s : i32.extend16_s;
  return {
    ...i32,
    atomic: {
      load: atomic[`load${bits}_u`],
      rmwXchg: atomic[`rmw${bits}Xchg`],
      rmwAdd: atomic[`rmw${bits}Add`],
      rmwAnd: atomic[`rmw${bits}And`],
      rmwOr: atomic[`rmw${bits}Or`],
      rmwXor: atomic[`rmw${bits}Xor`],
      rmwCmpxchg: atomic[`rmw${bits}Cmpxchg`],
    },
    load: bits === 8 ? i32.load8_u : i32.load16_u,
    store: bits === 8 ? 'i32.store8' : 'i32.store16',
    take: (value) => i32.and(i32.wrap_i64(value), i32.const(2 ** bits - 1)),
    extend: (value) => i64.extend_i32_s(signed(value)),
    lt_s: (a, b) => i32.lt_s(signed(a), signed(b)),
    gt_s: (a, b) => i32.gt_s(signed(a), signed(b)),
  };
}

const INTEGERS = { 8: parts(8), 16: parts(16), 32: words } as const;

/** The comparison under which the old value stays. */
const COMPARISON = { min: 'lt_s', minu: 'lt_u', max: 'gt_s', maxu: 'gt_u' } as const;

/**
 * Atomic accesses at an address in linear memory that translation and alignment checks have given. Where one thread
 * alone works in the guest's memory, plain accesses are atomic enough and take a fraction of the time.
 */
export class AtomicCode {
  readonly #alone: boolean;
  readonly #f: FunctionBuilder;
  readonly #hart: Local<'i32'>;
  readonly #field: ReservationFields;

  constructor(f: FunctionBuilder, hart: Local<'i32'>, field: ReservationFields, alone: boolean) {
    this.#alone = alone;
    this.#f = f;
    this.#hart = hart;
    this.#field = field;
  }

  /** Orders all earlier memory accesses of this hart before all later ones, as other threads see them. */
  fence(): void {
    if (!this.#alone) this.#f.atomicFence();
  }

  amo(operation: AmoOperation, width: AmoWidth, host: Local<'i32'>, value: I64): I64 {
    return width === 64
      ? this.#modified(doublewords, operation, host, value)
      : this.#modified(INTEGERS[width], operation, host, value);
  }

  /** The old value, sign-extended; `value` is there afterwards if the old one was as `expected`. */
  compareExchange(width: AmoWidth, host: Local<'i32'>, expected: I64, value: I64): I64 {
    return width === 64
      ? this.#exchanged(doublewords, host, expected, value)
      : this.#exchanged(INTEGERS[width], host, expected, value);
  }

  /**
   * The reservation is the address and the value: a store-conditional succeeds if memory still holds that value, so a
   * change and back by another hart in between goes unseen (as in QEMU). docs/jit.md has the cost of the other way.
   */
  loadReserved(width: AtomicWidth, host: Local<'i32'>): I64 {
    const f = this.#f;
    // Sequentially consistent load: pairs with the compare-exchange of storeConditional on any hart.
    const value = f.let(width === 32 ? i64.extend_i32_s(i32.atomic.load(host)) : i64.atomic.load(host));
    f.store('i32.store', this.#hart, host, this.#field.reservation);
    f.store('i32.store', this.#hart, i32.const(width), this.#field.reservationWidth);
    f.store('i64.store', this.#hart, value, this.#field.reservationValue);
    return value;
  }

  storeConditional(width: AtomicWidth, host: Local<'i32'>, value: I64): I64 {
    const f = this.#f;
    const hart = this.#hart;
    const field = this.#field;
    const failed = f.local('i64');
    f.set(failed, i64.const(1));
    const holds = i32.and(
      i32.eq(i32.load(hart, field.reservation), host),
      i32.eq(i32.load(hart, field.reservationWidth), i32.const(width)),
    );
    const expected = i64.load(hart, field.reservationValue);
    if (this.#alone) {
      // Nothing can have come in between but this hart's own stores.
      const unchanged = i64.eq(width === 32 ? i64.load32_s(host) : i64.load(host), expected);
      f.if(i32.and(holds, unchanged), () => {
        f.store(width === 32 ? 'i64.store32' : 'i64.store', host, value);
        f.set(failed, i64.const(0));
      });
      f.store('i32.store', hart, i32.const(0), field.reservation);
      return failed;
    }
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
    f.store('i32.store', hart, i32.const(0), field.reservation);
    return failed;
  }

  #modified<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    operation: AmoOperation,
    host: Local<'i32'>,
    value: I64,
  ): I64 {
    return this.#f.let(integer.extend(this.#modify(integer, operation, host, integer.take(value))));
  }

  #exchanged<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    host: Local<'i32'>,
    expected: I64,
    value: I64,
  ): I64 {
    const f = this.#f;
    const wanted = f.let(integer.take(expected));
    const replacement = f.let(integer.take(value));
    // Compare-exchange: pairs with all atomics of other harts.
    if (!this.#alone) return f.let(integer.extend(integer.atomic.rmwCmpxchg(host, wanted, replacement)));
    const old = f.let(integer.load(host));
    f.if(integer.eq(old, wanted), () => f.store(integer.store, host, replacement));
    return f.let(integer.extend(old));
  }

  /** The old value. Read-modify-writes are sequentially consistent; they pair with all atomics of other harts. */
  #modify<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    operation: AmoOperation,
    host: Local<'i32'>,
    value: Expr<T>,
  ): Expr<T> {
    if (this.#alone) return this.#modifyAlone(integer, operation, host, value);
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

  #modifyAlone<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    operation: AmoOperation,
    host: Local<'i32'>,
    value: Expr<T>,
  ): Expr<T> {
    const f = this.#f;
    const operand = f.let(value);
    const old = f.let(integer.load(host));
    const combine = (): Expr<T> => {
      switch (operation) {
        case 'swap':
          return operand;
        case 'add':
        case 'and':
        case 'or':
        case 'xor':
          return integer[operation](old, operand);
        default:
          return select(integer[COMPARISON[operation]](old, operand), old, operand);
      }
    };
    f.store(integer.store, host, combine());
    return old;
  }

  /** Minimum and maximum, for which WebAssembly has no atomic: compare-exchange until nobody came in between. */
  #choose<T extends 'i32' | 'i64'>(
    integer: Integer<T>,
    comparison: (typeof COMPARISON)[keyof typeof COMPARISON],
    host: Local<'i32'>,
    value: Expr<T>,
  ): Expr<T> {
    const f = this.#f;
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

import { FloatCode, type FloatFrame } from '../codegen/index.ts';
import { BINARY32, BINARY64, hasFiniteValue, isSafelyNormal } from '../float/format.ts';
import type { FloatArithmetic, FloatBits, FloatFormat, FloatRelation, IntegerFormat } from '../isa/index.ts';
import {
  type Expr,
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  relaxedMadd,
  type ValType,
} from '../wasm/index.ts';
import { fusesMadd } from './fused.ts';

/** Rounding modes of the rm field. */
const NEAREST = 0;
const TOWARD_ZERO = 1;
const DYNAMIC = 7;

/** Facts that a region finds when it is entered, in locals. */
export interface QuickConditions {
  /** The inexact flag is set: results that are only inexact raise nothing new. */
  readonly inexact: I32;
  /** The same, and the dynamic rounding mode is to nearest, as WebAssembly rounds. */
  readonly inexactNearest: I32;
}

/** A native result, and whether nothing but inexactness can have to be raised for its bits. */
interface Quick<N extends 'f32' | 'f64', B extends 'i32' | 'i64'> {
  quick(): Expr<N>;
  good(bits: Expr<B>): I32;
}

/**
 * Floating point of compiled code. As long as the inexact flag is set and rounding is to nearest, the machine's own
 * instruction gives the right result, and nothing needs to be raised if the result is a normal number. Everything else
 * goes to the functions of float/.
 */
export class QuickFloat extends FloatCode {
  readonly #frame: FloatFrame;
  readonly #conditions: QuickConditions;
  readonly #rm: number;

  /** @param rm the rm field of the instruction */
  constructor(frame: FloatFrame, conditions: QuickConditions, rm: number) {
    super(frame);
    this.#frame = frame;
    this.#conditions = conditions;
    this.#rm = rm;
  }

  override arithmetic<F extends FloatFormat>(
    operation: FloatArithmetic,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F] {
    const rounds = this.#roundsToNearest();
    if (rounds === undefined || format === 'h') return super.arithmetic(operation, format, a, b);
    const slow = () => super.arithmetic(operation, format, a, b);
    // A finite sum is never both tiny and inexact.
    const isSum = operation === 'add' || operation === 'sub';
    return this.#result(
      format,
      rounds,
      { quick: () => f32[operation](single(a), single(b)), good: isSum ? finite32 : normal32 },
      { quick: () => f64[operation](double(a), double(b)), good: isSum ? finite64 : normal64 },
      slow,
    );
  }

  override sqrt<F extends FloatFormat>(format: F, a: FloatBits[F]): FloatBits[F] {
    const rounds = this.#roundsToNearest();
    if (rounds === undefined || format === 'h') return super.sqrt(format, a);
    return this.#result(
      format,
      rounds,
      { quick: () => f32.sqrt(single(a)), good: normal32 },
      { quick: () => f64.sqrt(double(a)), good: normal64 },
      () => super.sqrt(format, a),
    );
  }

  override fma<F extends FloatFormat>(
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
    c: FloatBits[F],
  ): FloatBits[F] {
    const rounds = fusesMadd() ? this.#roundsToNearest() : undefined;
    if (rounds === undefined || format === 'h') return super.fma(format, a, b, c);
    return this.#result(
      format,
      rounds,
      { quick: () => relaxedMadd(single(a), single(b), single(c)), good: normal32 },
      { quick: () => relaxedMadd(double(a), double(b), double(c)), good: normal64 },
      () => super.fma(format, a, b, c),
    );
  }

  /** Nothing is raised for numbers. */
  override compare<F extends FloatFormat>(
    which: FloatRelation,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): I32 {
    if (format === 'h' || which === 'ltq' || which === 'leq') return super.compare(which, format, a, b);
    const { f } = this.#frame;
    const result = f.local('i32');
    const decide = <T extends 'f32' | 'f64'>(
      ops: Record<'eq' | 'lt' | 'le', (x: Expr<T>, y: Expr<T>) => I32>,
      x: Local<T>,
      y: Local<T>,
    ) =>
      f.if(
        i32.and(ops.eq(x, x), ops.eq(y, y)),
        () => f.set(result, ops[which](x, y)),
        () => f.set(result, super.compare(which, format, a, b)),
      );
    if (format === 's') decide(f32, this.#let(single(a)), this.#let(single(b)));
    else decide(f64, this.#let(double(a)), this.#let(double(b)));
    this.#frame.markDirty();
    return result;
  }

  /** Values that fit, rounded toward zero: at most inexact. */
  override toInteger<F extends FloatFormat>(to: IntegerFormat, format: F, a: FloatBits[F]): I64 {
    if (format === 'h' || this.#rm !== TOWARD_ZERO || to === 'wu' || to === 'lu')
      return super.toInteger(to, format, a);
    const { f } = this.#frame;
    const value = this.#let(format === 's' ? f64.promote_f32(single(a)) : double(a));
    const result = f.local('i64');
    const limit = f64.convert_i64_s(i64.const(to === 'w' ? 2 ** 31 - 1 : 1n << 62n));
    f.if(
      i32.and(this.#conditions.inexact, f64.lt(f64.abs(value), limit)),
      () => f.set(result, i64.trunc_sat_f64_s(value)),
      () => f.set(result, super.toInteger(to, format, a)),
    );
    this.#frame.markDirty();
    return result;
  }

  override fromInteger<F extends FloatFormat>(from: IntegerFormat, format: F, a: I64): FloatBits[F] {
    const slow = () => super.fromInteger(from, format, a);
    if (format === 'd' && (from === 'w' || from === 'wu')) {
      const word = i32.wrap_i64(a);
      const exact = from === 'w' ? f64.convert_i32_s(word) : f64.convert_i32_u(word);
      // Exact, but a reserved rounding mode would have been illegal; compiled code has looked at that.
      return i64.reinterpret_f64(this.#let(exact)) as Expr as FloatBits[F];
    }
    const rounds = this.#roundsToNearest();
    if (format === 'h' || rounds === undefined || from === 'lu' || from === 'wu') return slow();
    const value = from === 'w' ? i64.extend32_s(a) : a;
    return this.#result(
      format,
      rounds,
      { quick: () => f32.convert_i64_s(value), good: finite32 },
      { quick: () => f64.convert_i64_s(value), good: finite64 },
      slow,
    );
  }

  override narrow(a: I64): I32 {
    const rounds = this.#roundsToNearest();
    if (rounds === undefined) return super.narrow(a);
    return this.#choose32(rounds, f32.demote_f64(double(a)), normal32, () => super.narrow(a));
  }

  override widen(a: I32): I64 {
    const value = this.#let(single(a));
    const isNumber = f32.eq(value, value);
    return this.#choose64(
      isNumber,
      f64.promote_f32(value),
      () => i32.const(1),
      () => super.widen(a),
    );
  }

  /** Not 0 if results of the instruction are rounded as WebAssembly does and may be inexact; undefined: never. */
  #roundsToNearest(): I32 | undefined {
    if (this.#rm === NEAREST) return this.#conditions.inexact;
    return this.#rm === DYNAMIC ? this.#conditions.inexactNearest : undefined;
  }

  #let<T extends ValType>(value: Expr<T>): Local<T> {
    return this.#frame.f.let(value);
  }

  #result<F extends FloatFormat>(
    format: F,
    condition: I32,
    single: Quick<'f32', 'i32'>,
    double: Quick<'f64', 'i64'>,
    slow: () => FloatBits[F],
  ): FloatBits[F] {
    const bits =
      format === 's'
        ? this.#choose32(condition, single.quick(), single.good, slow as () => Expr as () => I32)
        : this.#choose64(condition, double.quick(), double.good, slow as () => Expr as () => I64);
    return bits as Expr as FloatBits[F];
  }

  /** `quick` if `condition` holds and its bits are `good`, else the result of `slow`. */
  #choose32(condition: I32, quick: F32, good: (bits: I32) => I32, slow: () => I32): I32 {
    const value = this.#let(quick);
    const bits = i32.reinterpret_f32(value);
    const { f } = this.#frame;
    f.ifUnlikely(i32.eqz(i32.and(condition, good(bits))), () => f.set(value, f32.reinterpret_i32(slow())));
    return bits;
  }

  #choose64(condition: I32, quick: F64, good: (bits: I64) => I32, slow: () => I64): I64 {
    const value = this.#let(quick);
    const bits = i64.reinterpret_f64(value);
    const { f } = this.#frame;
    f.ifUnlikely(i32.eqz(i32.and(condition, good(bits))), () => f.set(value, f64.reinterpret_i64(slow())));
    return bits;
  }
}

const single = (bits: Expr): F32 => f32.reinterpret_i32(bits as I32);
const double = (bits: Expr): F64 => f64.reinterpret_i64(bits as I64);
const finite32 = (bits: I32): I32 => hasFiniteValue(BINARY32, bits);
const normal32 = (bits: I32): I32 => isSafelyNormal(BINARY32, bits);
const finite64 = (bits: I64): I32 => hasFiniteValue(BINARY64, bits);
const normal64 = (bits: I64): I32 => isSafelyNormal(BINARY64, bits);

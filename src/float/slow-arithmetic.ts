import type { Expr, FunctionRef, Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { call, f64, type I32, type I64, i32, i64, select } from '../wasm/operations.ts';
import { FLAG, raise } from './flags.ts';
import {
  type Bits,
  type Encoding,
  type Format,
  isNan,
  isSignallingNan,
  isSpecial,
  isZero,
  type Native,
  signBit,
} from './format.ts';
import type { FunctionHome } from './function-home.ts';
import { type IntegerHelpers, nonZero, type Unpacked, unpack, zeroSumSign } from './round.ts';

/** Everything that the slow functions of one format need. */
export interface SlowContext<B extends Bits, F extends Native> {
  readonly module: FunctionHome;
  readonly format: Format<B, F>;
  readonly helpers: IntegerHelpers;
  readonly round: FunctionRef<B>;
}

/** Parameters of a slow function: operands as bits and as raw 64-bit numbers. */
interface Operands<B extends Bits> {
  readonly bits: readonly Local<B>[];
  readonly raw: readonly Local<'i64'>[];
  readonly rm: Local<'i32'>;
  readonly flags: Local<'i32'>;
}

/** Defines a function (operands..., rm, flags) and names its parameters. */
export function defineSlow<B extends Bits, F extends Native>(
  { module, format }: SlowContext<B, F>,
  name: string,
  count: number,
  build: (f: FunctionBuilder, operands: Operands<B>) => void,
): FunctionRef<B> {
  const params = [...new Array<B>(count).fill(format.bits), 'i32' as const, 'i32' as const];
  return module.function(`${format.name}.${name}`, params, format.bits, (f) => {
    const bits = Array.from({ length: count }, (_, index) => f.param(index, format.bits));
    build(f, {
      bits,
      raw: bits.map((local) => f.let(format.widen(local))),
      rm: f.param(count, 'i32'),
      flags: f.param(count + 1, 'i32'),
    });
  });
}

/**
 * Returns a result that needs no rounding: that of an operand that is infinite or NaN, of a division by zero, of the
 * root of a zero or a negative number. WebAssembly computes the value; the payload of a NaN is not defined there.
 * Invalid is raised for a signalling NaN, and for a NaN that comes from operands that are none.
 */
export function returnExact<B extends Bits, F extends Native>(
  f: FunctionBuilder,
  format: Format<B, F>,
  raw: readonly Local<'i64'>[],
  flags: Local<'i32'>,
  value: Expr<F>,
): void {
  const { native, integer, canonicalNan } = format;
  const any = (test: (format: Encoding, raw: Local<'i64'>) => I32) =>
    raw.map((operand) => test(format, operand)).reduce((left, right) => i32.or(left, right));
  const result = f.let(value);
  f.if(native.eq(result, result), () => f.return(format.toBits(result)));
  f.if(i32.or(any(isSignallingNan), i32.eqz(any(isNan))), () => raise(f, flags, FLAG.invalid));
  f.return(integer.const(canonicalNan));
}

/** Puts the number of larger magnitude first. */
function orderByMagnitude(f: FunctionBuilder, a: Unpacked, b: Unpacked): void {
  const swap = f.let(
    i32.or(
      i32.lt_s(a.exponent, b.exponent),
      i32.and(i32.eq(a.exponent, b.exponent), i64.lt_u(a.significand, b.significand)),
    ),
  );
  exchange(f, swap, a.sign, b.sign);
  exchange(f, swap, a.exponent, b.exponent);
  exchangeWide(f, swap, a.significand, b.significand);
}

/** Exchanges two locals if `condition` is 1, without a branch, which would be mispredicted half of the time. */
export function exchange(f: FunctionBuilder, condition: I32, a: Local<'i32'>, b: Local<'i32'>): void {
  const difference = f.let(i32.and(i32.xor(a, b), i32.sub(i32.const(0), condition)));
  f.set(a, i32.xor(a, difference));
  f.set(b, i32.xor(b, difference));
}

/** As {@link exchange}, for i64. */
export function exchangeWide(f: FunctionBuilder, condition: I32, a: Local<'i64'>, b: Local<'i64'>): void {
  const mask = i64.sub(i64.const(0), i64.extend_i32_u(condition));
  const difference = f.let(i64.and(i64.xor(a, b), mask));
  f.set(a, i64.xor(a, difference));
  f.set(b, i64.xor(b, difference));
}

export function defineSlowAdd<B extends Bits, F extends Native>(ctx: SlowContext<B, F>): FunctionRef<B> {
  const { format, helpers, round } = ctx;
  return defineSlow(ctx, 'addSlow', 2, (f, { bits: [x, y], raw: [rawA, rawB], rm, flags }) => {
    f.if(i32.or(isSpecial(format, rawA), isSpecial(format, rawB)), () => {
      returnExact(f, format, [rawA, rawB], flags, format.native.add(format.toFloat(x), format.toFloat(y)));
    });
    const a = unpack(f, format, rawA);
    const b = unpack(f, format, rawB);
    orderByMagnitude(f, a, b);
    // At most 53 of the 64 bits are used: two of the others make room for the carry, the rest guard the difference.
    const large = f.let(i64.shr_u(a.significand, i64.const(2)));
    const distance = i32.sub(a.exponent, b.exponent);
    const small = f.let(call(helpers.shiftRightSticky, i64.shr_u(b.significand, i64.const(2)), distance));
    const sum = f.let(select(i32.eq(a.sign, b.sign), i64.add(large, small), i64.sub(large, small)));
    f.if(i64.eqz(sum), () => {
      f.return(format.narrow(signBit(format, zeroSumSign(a.sign, b.sign, rm))));
    });
    f.return(call(round, a.sign, i32.add(a.exponent, i32.const(2)), sum, rm, flags));
  });
}

export function defineSlowMul<B extends Bits, F extends Native>(ctx: SlowContext<B, F>): FunctionRef<B> {
  const { format, helpers, round } = ctx;
  return defineSlow(ctx, 'mulSlow', 2, (f, { bits: [x, y], raw: [rawA, rawB], rm, flags }) => {
    f.if(i32.or(isSpecial(format, rawA), isSpecial(format, rawB)), () => {
      returnExact(f, format, [rawA, rawB], flags, format.native.mul(format.toFloat(x), format.toFloat(y)));
    });
    const a = unpack(f, format, rawA);
    const b = unpack(f, format, rawB);
    const sign = f.let(i32.xor(a.sign, b.sign));
    f.if(i32.or(i64.eqz(a.significand), i64.eqz(b.significand)), () => {
      f.return(format.narrow(signBit(format, sign)));
    });
    const high = call(helpers.multiplyHigh, a.significand, b.significand);
    const product = i64.or(high, nonZero(i64.mul(a.significand, b.significand)));
    const exponent = i32.add(i32.add(a.exponent, b.exponent), i32.const(64));
    f.return(call(round, sign, exponent, product, rm, flags));
  });
}

/**
 * A significand for rounding, from the nearest binary64 approximation and the sign of the rest.
 *
 * The approximation has 55 or 56 bits, of which the last 2 or 3 are zero, and is less than half a unit of its 53 bits
 * from the truth. So the truth, the approximation plus a sticky bit, and the approximation less one (if the remainder
 * is negative) lie between the same two ties. The remainder is small: its low 64 bits are all of it.
 */
function withRemainder(approximation: Local<'i64'>, remainder: Local<'i64'>): I64 {
  const below = i64.shr_s(remainder, i64.const(63));
  return i64.or(i64.add(approximation, below), nonZero(remainder));
}

/** Bits of the quotient behind the binary point: the quotient, above 1/2, then has precision + 2 bits or more. */
const QUOTIENT_BITS = 55;

export function defineSlowDiv<B extends Bits, F extends Native>(ctx: SlowContext<B, F>): FunctionRef<B> {
  const { format, round } = ctx;
  return defineSlow(ctx, 'divSlow', 2, (f, { bits: [x, y], raw: [rawA, rawB], rm, flags }) => {
    const divisorIsZero = f.let(isZero(format, rawB));
    f.if(i32.or(i32.or(isSpecial(format, rawA), isSpecial(format, rawB)), divisorIsZero), () => {
      const dividendIsOrdinary = i32.eqz(i32.or(isSpecial(format, rawA), isZero(format, rawA)));
      f.if(i32.and(divisorIsZero, dividendIsOrdinary), () => raise(f, flags, FLAG.divideByZero));
      returnExact(f, format, [rawA, rawB], flags, format.native.div(format.toFloat(x), format.toFloat(y)));
    });
    const a = unpack(f, format, rawA);
    const b = unpack(f, format, rawB);
    const sign = f.let(i32.xor(a.sign, b.sign));
    f.if(i64.eqz(a.significand), () => f.return(format.narrow(signBit(format, sign))));

    const dividend = f.let(i64.shr_u(a.significand, i64.const(11)));
    const divisor = f.let(i64.shr_u(b.significand, i64.const(11)));
    const approximation = f64.div(f64.convert_i64_s(dividend), f64.convert_i64_s(divisor));
    const scale = f64.convert_i64_s(i64.const(1n << BigInt(QUOTIENT_BITS)));
    const quotient = f.let(i64.trunc_sat_f64_s(f64.mul(approximation, scale)));
    const remainder = f.let(i64.sub(i64.shl(dividend, i64.const(QUOTIENT_BITS)), i64.mul(quotient, divisor)));
    const exponent = i32.sub(i32.sub(a.exponent, b.exponent), i32.const(QUOTIENT_BITS));
    f.return(call(round, sign, exponent, withRemainder(quotient, remainder), rm, flags));
  });
}

/** Half the shift of the radicand: the root of 53 or 54 bits shifted by 56 has 55 bits. */
const ROOT_BITS = 28;

export function defineSlowSqrt<B extends Bits, F extends Native>(ctx: SlowContext<B, F>): FunctionRef<B> {
  const { format, round } = ctx;
  return defineSlow(ctx, 'sqrtSlow', 1, (f, { bits: [x], raw: [raw], rm, flags }) => {
    const negative = i64.ne(i64.and(raw, i64.const(format.sign)), i64.const(0));
    f.if(i32.or(i32.or(isSpecial(format, raw), isZero(format, raw)), negative), () => {
      returnExact(f, format, [raw], flags, format.native.sqrt(format.toFloat(x)));
    });
    const { exponent, significand } = unpack(f, format, raw);
    // An even exponent: shift by 10 or 11, whichever makes it so.
    const shift = f.let(i32.sub(i32.const(11), i32.and(i32.add(exponent, i32.const(11)), i32.const(1))));
    const radicand = f.let(i64.shr_u(significand, i64.extend_i32_u(shift)));
    const scale = f64.convert_i64_s(i64.const(1 << ROOT_BITS));
    const root = f.let(i64.trunc_sat_f64_s(f64.mul(f64.sqrt(f64.convert_i64_s(radicand)), scale)));
    const remainder = f.let(i64.sub(i64.shl(radicand, i64.const(2 * ROOT_BITS)), i64.mul(root, root)));
    const half = i32.shr_s(i32.add(exponent, shift), i32.const(1));
    const rootExponent = i32.sub(half, i32.const(ROOT_BITS));
    f.return(call(round, i32.const(0), rootExponent, withRemainder(root, remainder), rm, flags));
  });
}

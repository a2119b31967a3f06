import type { FunctionRef, Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { call, type I32, i32, i64 } from '../wasm/operations.ts';
import { FLAG, raise } from './flags.ts';
import { type Bits, type Format, isSpecial, isZero, type Native, signBit } from './format.ts';
import { type IntegerHelpers, nonZero, type Unpacked, unpack, zeroSumSign } from './round.ts';
import { defineSlow, exchange, exchangeWide, returnExact, type SlowContext } from './slow-arithmetic.ts';

/** A finite number (-1)^sign × (high × 2^64 + low) × 2^exponent. */
interface Wide {
  readonly sign: Local<'i32'>;
  readonly exponent: Local<'i32'>;
  readonly high: Local<'i64'>;
  readonly low: Local<'i64'>;
}

/** Fused multiply-add: a × b + c with one rounding. */
export function defineSlowFma<B extends Bits, F extends Native>(ctx: SlowContext<B, F>): FunctionRef<B> {
  const { format, helpers, round } = ctx;
  return defineSlow(ctx, 'fmaSlow', 3, (f, { bits, raw, rm, flags }) => {
    const [rawA, rawB, rawC] = raw;
    f.if(i32.or(i32.or(isSpecial(format, rawA), isSpecial(format, rawB)), isSpecial(format, rawC)), () => {
      returnSpecial(f, format, bits, raw, flags);
    });
    const a = unpack(f, format, rawA);
    const b = unpack(f, format, rawB);
    const c = unpack(f, format, rawC);
    const productSign = f.let(i32.xor(a.sign, b.sign));
    f.if(i32.or(i64.eqz(a.significand), i64.eqz(b.significand)), () => {
      f.if(i64.ne(c.significand, i64.const(0)), () => f.return(bits[2]));
      f.return(format.narrow(signBit(format, zeroSumSign(productSign, c.sign, rm))));
    });
    const product = multiply(f, helpers, a, b, productSign);
    f.if(i64.eqz(c.significand), () => {
      const significand = i64.or(product.high, nonZero(product.low));
      f.return(call(round, productSign, i32.add(product.exponent, i32.const(64)), significand, rm, flags));
    });
    const addend: Wide = {
      sign: c.sign,
      exponent: f.let(i32.sub(c.exponent, i32.const(63))),
      high: f.let(i64.shr_u(c.significand, i64.const(1))),
      low: f.local('i64'),
    };
    orderByMagnitude(f, product, addend);
    alignSticky(f, helpers, addend, f.let(i32.sub(product.exponent, addend.exponent)));
    addOrSubtract(f, product, addend);
    f.if(i64.eqz(i64.or(product.high, product.low)), () => {
      f.return(format.narrow(signBit(format, zeroSumSign(product.sign, addend.sign, rm))));
    });
    normalize(f, product);
    const significand = i64.or(product.high, nonZero(product.low));
    f.return(call(round, product.sign, i32.add(product.exponent, i32.const(64)), significand, rm, flags));
  });
}

/**
 * With an infinity or a NaN among the operands. The product of finite numbers is left out of the sum, where it could
 * overflow. Infinity times zero is invalid even if the addend is a quiet NaN (RISC-V, "Single-Precision
 * Floating-Point Computational Instructions").
 */
function returnSpecial<B extends Bits, F extends Native>(
  f: FunctionBuilder,
  format: Format<B, F>,
  bits: readonly Local<B>[],
  raw: readonly Local<'i64'>[],
  flags: Local<'i32'>,
): void {
  const { native, infinity, sign } = format;
  const [a, b, c] = bits.map((local) => format.toFloat(local));
  const [rawA, rawB, rawC] = raw;
  const isInfinite = (value: Local<'i64'>): I32 =>
    i64.eq(i64.and(value, i64.const(sign - 1n)), i64.const(infinity));
  const infinityTimesZero = i32.or(
    i32.and(isInfinite(rawA), isZero(format, rawB)),
    i32.and(isZero(format, rawA), isInfinite(rawB)),
  );
  f.if(infinityTimesZero, () => raise(f, flags, FLAG.invalid));
  f.if(i32.or(isSpecial(format, rawA), isSpecial(format, rawB)), () => {
    returnExact(f, format, raw, flags, native.add(native.mul(a, b), c));
  });
  returnExact(f, format, [rawC], flags, c);
}

/** The exact product, its leading bit at 126: the lowest 20 bits stay free. */
function multiply(
  f: FunctionBuilder,
  helpers: IntegerHelpers,
  a: Unpacked,
  b: Unpacked,
  sign: Local<'i32'>,
): Wide {
  const high = f.let(call(helpers.multiplyHigh, a.significand, b.significand));
  const low = f.let(i64.mul(a.significand, b.significand));
  const exponent = f.let(i32.add(a.exponent, b.exponent));
  f.if(i64.lt_s(high, i64.const(0)), () => {
    f.set(low, i64.or(i64.shr_u(low, i64.const(1)), i64.shl(high, i64.const(63))));
    f.set(high, i64.shr_u(high, i64.const(1)));
    f.set(exponent, i32.add(exponent, i32.const(1)));
  });
  return { sign: f.let(sign), exponent, high, low };
}

/** Puts the number of larger magnitude first. */
function orderByMagnitude(f: FunctionBuilder, a: Wide, b: Wide): void {
  const sameHigh = i64.eq(a.high, b.high);
  const smaller = i32.or(i64.lt_u(a.high, b.high), i32.and(sameHigh, i64.lt_u(a.low, b.low)));
  const swap = f.let(
    i32.or(i32.lt_s(a.exponent, b.exponent), i32.and(i32.eq(a.exponent, b.exponent), smaller)),
  );
  exchange(f, swap, a.sign, b.sign);
  exchange(f, swap, a.exponent, b.exponent);
  exchangeWide(f, swap, a.high, b.high);
  exchangeWide(f, swap, a.low, b.low);
}

/** Shifts right by `count` >= 0; the lowest bit remembers whether any bit was lost. */
function alignSticky(
  f: FunctionBuilder,
  helpers: IntegerHelpers,
  { high, low }: Wide,
  count: Local<'i32'>,
): void {
  f.if(
    i32.gt_s(count, i32.const(63)),
    () => {
      const lost = f.let(nonZero(low));
      f.set(low, i64.or(call(helpers.shiftRightSticky, high, i32.sub(count, i32.const(64))), lost));
      f.set(high, i64.const(0));
    },
    () => {
      const wide = f.let(i64.extend_i32_u(count));
      // In two steps, because a shift by 64 would do nothing.
      const crossing = i64.shl(i64.shl(high, i64.const(1)), i64.sub(i64.const(63), wide));
      f.set(low, i64.or(call(helpers.shiftRightSticky, low, count), crossing));
      f.set(high, i64.shr_u(high, wide));
    },
  );
}

/** a += b if the signs agree, else a -= b; a is not smaller than b. */
function addOrSubtract(f: FunctionBuilder, a: Wide, b: Wide): void {
  f.if(
    i32.eq(a.sign, b.sign),
    () => {
      f.set(a.low, i64.add(a.low, b.low));
      const carry = i64.extend_i32_u(i64.lt_u(a.low, b.low));
      f.set(a.high, i64.add(i64.add(a.high, b.high), carry));
    },
    () => {
      const borrow = f.let(i64.extend_i32_u(i64.lt_u(a.low, b.low)));
      f.set(a.low, i64.sub(a.low, b.low));
      f.set(a.high, i64.sub(i64.sub(a.high, b.high), borrow));
    },
  );
}

/** Moves the leading bit of a number that is not zero to 127. */
function normalize(f: FunctionBuilder, { exponent, high, low }: Wide): void {
  f.if(i64.eqz(high), () => {
    f.set(high, low);
    f.set(low, i64.const(0));
    f.set(exponent, i32.sub(exponent, i32.const(64)));
  });
  const shift = f.let(i64.clz(high));
  // In two steps, because a shift by 64 would do nothing.
  const crossing = i64.shr_u(i64.shr_u(low, i64.const(1)), i64.sub(i64.const(63), shift));
  f.set(high, i64.or(i64.shl(high, shift), crossing));
  f.set(low, i64.shl(low, shift));
  f.set(exponent, i32.sub(exponent, i32.wrap_i64(shift)));
}

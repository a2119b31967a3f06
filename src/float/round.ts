import type { FunctionRef, Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { call, type I32, type I64, i32, i64, select } from '../wasm/operations.ts';
import { FLAG, ROUND, raise } from './flags.ts';
import { type Bits, type Encoding, type RawFormat, signBit, signOf } from './format.ts';
import type { FunctionHome } from './function-home.ts';

/** A finite number (-1)^sign × significand × 2^exponent. */
export interface Unpacked {
  readonly sign: Local<'i32'>;
  readonly exponent: Local<'i32'>;
  /** Unsigned; bit 63 is set unless the number is zero. */
  readonly significand: Local<'i64'>;
}

/** Integer helpers that all slow paths of a module share. */
export interface IntegerHelpers {
  /** (value: i64, count: i32): value >> count, with the lowest bit set if any bit was lost. */
  readonly shiftRightSticky: FunctionRef<'i64'>;
  /** The upper half of the unsigned product of two i64. */
  readonly multiplyHigh: FunctionRef<'i64'>;
}

export function defineIntegerHelpers(module: FunctionHome): IntegerHelpers {
  return {
    shiftRightSticky: module.function('shiftRightSticky', ['i64', 'i32'], 'i64', (f) => {
      const value = f.param(0, 'i64');
      const count = f.param(1, 'i32');
      f.if(i32.gt_u(count, i32.const(63)), () => f.return(nonZero(value)));
      const wide = f.let(i64.extend_i32_u(count));
      const lost = i64.and(value, i64.sub(i64.shl(i64.const(1), wide), i64.const(1)));
      f.return(i64.or(i64.shr_u(value, wide), nonZero(lost)));
    }),
    multiplyHigh: module.function('multiplyHigh', ['i64', 'i64'], 'i64', (f) => {
      const low = (value: I64) => i64.and(value, i64.const(0xffff_ffff));
      const high = (value: I64) => i64.shr_u(value, i64.const(32));
      const a = f.param(0, 'i64');
      const b = f.param(1, 'i64');
      const aLow = f.let(low(a));
      const aHigh = f.let(high(a));
      const bLow = f.let(low(b));
      const bHigh = f.let(high(b));
      const middle = f.let(i64.add(i64.mul(aHigh, bLow), high(i64.mul(aLow, bLow))));
      const carry = i64.add(i64.mul(aLow, bHigh), low(middle));
      f.return(i64.add(i64.add(i64.mul(aHigh, bHigh), high(middle)), high(carry)));
    }),
  };
}

/** 1 if the value has any bit set, as i64. */
export function nonZero(value: I64): I64 {
  return i64.extend_i32_u(i64.ne(value, i64.const(0)));
}

/** Takes a finite number apart; a zero gets an exponent below that of every other number of its format. */
export function unpack(f: FunctionBuilder, format: Encoding, raw: Local<'i64'>): Unpacked {
  const { fractionBits, bias, exponentMask } = format;
  const field = f.let(
    i32.and(i32.wrap_i64(i64.shr_u(raw, i64.const(fractionBits))), i32.const(exponentMask)),
  );
  const hidden = i64.shl(i64.extend_i32_u(i32.ne(field, i32.const(0))), i64.const(fractionBits));
  const fraction = i64.and(raw, i64.const((1n << BigInt(fractionBits)) - 1n));
  const significand = f.let(i64.or(fraction, hidden));
  const shift = f.let(i64.clz(significand));
  // WebAssembly takes the shift count 64 of a zero as 0, which leaves the zero alone.
  f.set(significand, i64.shl(significand, shift));
  const unbiased = i32.sub(
    i32.add(field, i32.eqz(field)),
    i32.add(i32.wrap_i64(shift), i32.const(bias + fractionBits)),
  );
  return { sign: f.let(signOf(format, raw)), exponent: f.let(unbiased), significand };
}

/** The sign of a sum that is exactly zero (IEEE 754-2008, 6.3). */
export function zeroSumSign(signA: I32, signB: I32, rm: I32): I32 {
  return select(i32.eq(signA, signB), signA, i32.eq(rm, i32.const(ROUND.down)));
}

/**
 * Defines `round(sign: i32, exponent: i32, significand: i64, rm: i32, flags: i32)`, which rounds the number
 * (-1)^sign × significand × 2^exponent to the format and raises inexact, underflow and overflow.
 *
 * The significand is unsigned and not zero. Its lowest bit may stand for any remainder below it (sticky), provided
 * that at least precision + 2 bits are significant. Tininess is detected after rounding with unbounded exponent.
 */
export function defineRound<B extends Bits>(
  module: FunctionHome,
  format: RawFormat<B>,
  helpers: IntegerHelpers,
): FunctionRef<B> {
  const { name, fractionBits, bias, bits } = format;
  const dropped = 62 - fractionBits;
  const mask = (1n << BigInt(dropped)) - 1n;
  const half = 1n << BigInt(dropped - 1);
  return module.function(`${name}.round`, ['i32', 'i32', 'i64', 'i32', 'i32'], bits, (f) => {
    const sign = f.param(0, 'i32');
    const exponent = f.param(1, 'i32');
    const significand = f.param(2, 'i64');
    const rm = f.param(3, 'i32');
    const flags = f.param(4, 'i32');

    // Leading bit to 62, so that the increment cannot overflow.
    const lead = f.let(i64.clz(significand));
    f.set(significand, i64.shl(significand, lead));
    const field = f.let(i32.add(i32.sub(exponent, i32.wrap_i64(lead)), i32.const(63 + bias)));
    f.set(significand, i64.or(i64.shr_u(significand, i64.const(1)), i64.and(significand, i64.const(1))));
    const increment = f.let(i64.const(half));
    f.if(i32.and(rm, i32.const(3)), () => {
      // Down is 2 and up is 3: away from zero when the low bit of the mode differs from the sign.
      const away = i32.and(i32.ne(rm, i32.const(ROUND.towardZero)), i32.ne(i32.and(rm, i32.const(1)), sign));
      f.set(increment, select(away, i64.const(mask), i64.const(0)));
    });
    const tiny = toSubnormal(f, helpers, { field, significand, increment });

    const rounded = f.let(i64.shr_u(i64.add(significand, increment), i64.const(dropped)));
    const rest = f.let(i64.and(significand, i64.const(mask)));
    f.if(i32.and(i32.eqz(rm), i64.eq(rest, i64.const(half))), () => {
      f.set(rounded, i64.and(rounded, i64.const(-2)));
    });
    // The hidden bit, where there is one, adds one to the exponent field; so does a carry out of the fraction.
    const base = i64.shl(i64.extend_i32_u(i32.sub(field, i32.const(1))), i64.const(fractionBits));
    f.set(rounded, i64.add(base, rounded));
    raiseForResult(f, flags, { rounded, rest, increment, tiny, infinity: format.infinity });
    f.return(format.narrow(i64.or(rounded, signBit(format, sign))));
  });
}

/** The number under way: leading bit of the significand at 62, and the exponent as the format encodes it. */
interface Scaled {
  readonly field: Local<'i32'>;
  readonly significand: Local<'i64'>;
  readonly increment: I64;
}

/** Shifts a number below the smallest normal one to the exponent of that. @returns whether the result is tiny */
function toSubnormal(
  f: FunctionBuilder,
  { shiftRightSticky }: IntegerHelpers,
  { field, significand, increment }: Scaled,
): I32 {
  const tiny = f.local('i32');
  f.if(i32.lt_s(field, i32.const(1)), () => {
    const carries = i64.lt_s(i64.add(significand, increment), i64.const(0));
    f.set(tiny, i32.or(i32.lt_s(field, i32.const(0)), i32.eqz(carries)));
    f.set(significand, call(shiftRightSticky, significand, i32.sub(i32.const(1), field)));
    f.set(field, i32.const(1));
  });
  return tiny;
}

/** A result without its sign, and the bits that it lost. */
interface Rounded {
  readonly rounded: Local<'i64'>;
  readonly rest: I64;
  readonly increment: I64;
  readonly tiny: I32;
  readonly infinity: bigint;
}

/** Raises the flags of a result. One beyond the largest number becomes infinity, or that number, by the rounding. */
function raiseForResult(
  f: FunctionBuilder,
  flags: Local<'i32'>,
  { rounded, rest, increment, tiny, infinity }: Rounded,
): void {
  f.if(
    i64.ge_u(rounded, i64.const(infinity)),
    () => {
      raise(f, flags, FLAG.overflow | FLAG.inexact);
      f.set(rounded, i64.sub(i64.const(infinity), i64.extend_i32_u(i64.eqz(increment))));
    },
    () => {
      f.if(i64.ne(rest, i64.const(0)), () => {
        raise(f, flags, i32.or(i32.shl(tiny, i32.const(1)), i32.const(FLAG.inexact)));
      });
    },
  );
}

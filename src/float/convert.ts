import type { FunctionRef, Local } from '../wasm/expression.ts';
import { call, f32, f64, type I32, type I64, i32, i64, select } from '../wasm/operations.ts';
import { FLAG, inexactSeen, raise } from './flags.ts';
import {
  BINARY32,
  BINARY64,
  type Bits,
  isNan,
  isSafelyNormal,
  isSignallingNan,
  type Native,
} from './format.ts';
import type { FunctionHome } from './function-home.ts';
import { powerOfTwo, roundToIntegral } from './integral.ts';
import { unpack } from './round.ts';
import type { SlowContext } from './slow-arithmetic.ts';

/** Conversions (value, rm: i32, flags: i32) between a format and the integers of the RISC-V registers. */
export interface ConvertFunctions<B extends Bits> {
  /**
   * The result is i64, those of 32 bits sign-extended; out of range it saturates and is invalid, NaN is the maximum.
   */
  readonly toI32: FunctionRef<'i64'>;
  readonly toU32: FunctionRef<'i64'>;
  readonly toI64: FunctionRef<'i64'>;
  readonly toU64: FunctionRef<'i64'>;
  /** The value is an i64, of which those of 32 bits use the lower half. */
  readonly fromI32: FunctionRef<B>;
  readonly fromU32: FunctionRef<B>;
  readonly fromI64: FunctionRef<B>;
  readonly fromU64: FunctionRef<B>;
}

/** Conversions between the formats. */
export interface ResizeFunctions {
  /** (a: i64, rm, flags): binary64 to binary32. */
  readonly narrow: FunctionRef<'i32'>;
  /** (a: i32, flags): binary32 to binary64, exact. */
  readonly widen: FunctionRef<'i64'>;
}

interface IntegerKind {
  readonly name: 'I32' | 'U32' | 'I64' | 'U64';
  readonly width: 32 | 64;
  readonly signed: boolean;
}

const KINDS: readonly IntegerKind[] = [
  { name: 'I32', width: 32, signed: true },
  { name: 'U32', width: 32, signed: false },
  { name: 'I64', width: 64, signed: true },
  { name: 'U64', width: 64, signed: false },
];

const float64 = BINARY64.toFloat;

/**
 * (a: i64, rm, flags): converts a binary64 number. Rounding to an integral value is exact in every mode, and so is
 * all that follows it.
 */
function defineToInteger(module: FunctionHome, kind: IntegerKind): FunctionRef<'i64'> {
  return module.function(`f64.to${kind.name}`, ['i64', 'i32', 'i32'], 'i64', (f) => {
    const [raw, rm, flags] = [f.param(0, 'i64'), f.param(1, 'i32'), f.param(2, 'i32')];
    const value = f.let(float64(raw));
    const integral = roundToIntegral(f, value, rm);
    f.if(inRange(kind, integral), () => {
      f.if(f64.ne(integral, value), () => raise(f, flags, FLAG.inexact));
      f.return(saturate(kind, integral));
    });
    raise(f, flags, FLAG.invalid);
    f.if(f64.ne(value, value), () => f.return(i64.const(maximum(kind))));
    f.return(saturate(kind, integral));
  });
}

/** Whether an integral value is in the range of the kind; NaN is not. */
function inRange({ width, signed }: IntegerKind, integral: Local<'f64'>): I32 {
  const above = signed
    ? f64.ge(integral, f64.neg(powerOfTwo(width - 1)))
    : f64.gt(integral, f64.neg(powerOfTwo(0)));
  return i32.and(above, f64.lt(integral, powerOfTwo(signed ? width - 1 : width)));
}

/** The integer nearest to an integral value, as a register holds it. */
function saturate({ name }: IntegerKind, integral: Local<'f64'>): I64 {
  switch (name) {
    case 'I32':
      return i64.extend_i32_s(i32.trunc_sat_f64_s(integral));
    case 'U32':
      return i64.extend_i32_s(i32.trunc_sat_f64_u(integral));
    case 'I64':
      return i64.trunc_sat_f64_s(integral);
    case 'U64':
      return i64.trunc_sat_f64_u(integral);
  }
}

/** The largest integer of the kind, as a register holds it. */
function maximum({ width, signed }: IntegerKind): bigint {
  return signed ? (1n << BigInt(width - 1)) - 1n : -1n;
}

/** (value: i64, rm, flags): converts a 64-bit integer. */
function defineFromWide<B extends Bits, F extends Native>(
  { module, format, round }: SlowContext<B, F>,
  { name, signed }: IntegerKind,
): FunctionRef<B> {
  const { native, fractionBits, bits } = format;
  return module.function(`${format.name}.from${name}`, ['i64', 'i32', 'i32'], bits, (f) => {
    const [value, rm, flags] = [f.param(0, 'i64'), f.param(1, 'i32'), f.param(2, 'i32')];
    const negative = signed ? f.let(i64.lt_s(value, i64.const(0))) : i32.const(0);
    const size = signed ? f.let(select(negative, i64.sub(i64.const(0), value), value)) : value;
    const nearest = f.let(format.toBits(signed ? native.convert_i64_s(value) : native.convert_i64_u(value)));
    f.if(i32.and(i32.eqz(rm), inexactSeen(flags)), () => f.return(nearest));
    const outerZeros = i64.add(i64.clz(size), i64.ctz(size));
    f.if(i64.ge_u(outerZeros, i64.const(63 - fractionBits)), () => f.return(nearest));
    f.if(i32.eqz(rm), () => {
      raise(f, flags, FLAG.inexact);
      f.return(nearest);
    });
    f.return(call(round, negative, i32.const(0), size, rm, flags));
  });
}

/** (value: i64, rm, flags): converts the lower half of the value. */
function defineFromNarrow<B extends Bits, F extends Native>(
  { module, format }: SlowContext<B, F>,
  { name, signed }: IntegerKind,
  fromI64: FunctionRef<B>,
): FunctionRef<B> {
  return module.function(`${format.name}.from${name}`, ['i64', 'i32', 'i32'], format.bits, (f) => {
    const value = f.param(0, 'i64');
    const extended = signed ? i64.extend32_s(value) : i64.and(value, i64.const(0xffff_ffff));
    if (format.bits === 'i64') f.return(format.toBits(format.native.convert_i64_s(extended)));
    else f.return(call(fromI64, extended, f.param(1, 'i32'), f.param(2, 'i32')));
  });
}

function defineFromIntegers<B extends Bits, F extends Native>(ctx: SlowContext<B, F>) {
  const [i32Kind, u32Kind, i64Kind, u64Kind] = KINDS;
  const fromI64 = defineFromWide(ctx, i64Kind);
  return {
    fromI32: defineFromNarrow(ctx, i32Kind, fromI64),
    fromU32: defineFromNarrow(ctx, u32Kind, fromI64),
    fromI64,
    fromU64: defineFromWide(ctx, u64Kind),
  };
}

export function defineConvert64(ctx: SlowContext<'i64', 'f64'>): ConvertFunctions<'i64'> {
  const [toI32, toU32, toI64, toU64] = KINDS.map((kind) => defineToInteger(ctx.module, kind));
  return { toI32, toU32, toI64, toU64, ...defineFromIntegers(ctx) };
}

/** A binary32 number becomes an integer by way of binary64, which holds it exactly. */
export function defineConvert32(
  ctx: SlowContext<'i32', 'f32'>,
  { toI32, toU32, toI64, toU64 }: ConvertFunctions<'i64'>,
): ConvertFunctions<'i32'> {
  const viaDouble = (convert: FunctionRef<'i64'>) =>
    ctx.module.function(convert.name.replace('f64', 'f32'), ['i32', 'i32', 'i32'], 'i64', (f) => {
      const promoted = i64.reinterpret_f64(f64.promote_f32(f32.reinterpret_i32(f.param(0, 'i32'))));
      f.return(call(convert, promoted, f.param(1, 'i32'), f.param(2, 'i32')));
    });
  return {
    toI32: viaDouble(toI32),
    toU32: viaDouble(toU32),
    toI64: viaDouble(toI64),
    toU64: viaDouble(toU64),
    ...defineFromIntegers(ctx),
  };
}

export function defineResize(module: FunctionHome, round32: FunctionRef<'i32'>): ResizeFunctions {
  return { narrow: defineNarrow(module, round32), widen: defineWiden(module) };
}

function defineNarrow(module: FunctionHome, round32: FunctionRef<'i32'>): FunctionRef<'i32'> {
  const slow = module.function('narrowSlow', ['i64', 'i32', 'i32'], 'i32', (f) => {
    const [raw, rm, flags] = [f.param(0, 'i64'), f.param(1, 'i32'), f.param(2, 'i32')];
    f.if(isNan(BINARY64, raw), () => {
      f.if(isSignallingNan(BINARY64, raw), () => raise(f, flags, FLAG.invalid));
      f.return(BINARY32.integer.const(BINARY32.canonicalNan));
    });
    const { sign, exponent, significand } = unpack(f, BINARY64, raw);
    f.return(call(round32, sign, exponent, significand, rm, flags));
  });
  return module.function('narrow', ['i64', 'i32', 'i32'], 'i32', (f) => {
    const [raw, rm, flags] = [f.param(0, 'i64'), f.param(1, 'i32'), f.param(2, 'i32')];
    const value = f.let(float64(raw));
    const nearest = f.let(f32.demote_f64(value));
    const bits = f.let(i32.reinterpret_f32(nearest));
    // Zeros and infinities end here, in each mode.
    f.if(f64.eq(f64.promote_f32(nearest), value), () => f.return(bits));
    f.if(i32.and(i32.eqz(rm), isSafelyNormal(BINARY32, bits)), () => {
      raise(f, flags, FLAG.inexact);
      f.return(bits);
    });
    f.return(call(slow, raw, rm, flags));
  });
}

function defineWiden(module: FunctionHome): FunctionRef<'i64'> {
  return module.function('widen', ['i32', 'i32'], 'i64', (f) => {
    const [bits, flags] = [f.param(0, 'i32'), f.param(1, 'i32')];
    const value = f.let(f32.reinterpret_i32(bits));
    f.if(f32.eq(value, value), () => f.return(i64.reinterpret_f64(f64.promote_f32(value))));
    const quiet = i32.and(bits, i32.const(Number(BINARY32.quiet)));
    f.if(i32.eqz(quiet), () => raise(f, flags, FLAG.invalid));
    f.return(i64.const(BINARY64.canonicalNan));
  });
}

import type { Expr } from '../wasm/expression.ts';
import { f32, f64, type I32, type I64, i32, i64 } from '../wasm/operations.ts';

/** The integer type that holds the raw bits of a format. */
export type Bits = 'i32' | 'i64';

/** The WebAssembly type of the same format. */
export type Native = 'f32' | 'f64';

type BinaryOp<T extends Bits | Native, R extends Bits | Native = T> = (
  left: Expr<T>,
  right: Expr<T>,
) => Expr<R>;

/** The integer instructions that the fast paths need, for either width. */
interface IntegerOps<B extends Bits> {
  readonly const: (value: bigint) => Expr<B>;
  readonly and: BinaryOp<B>;
  readonly or: BinaryOp<B>;
  readonly xor: BinaryOp<B>;
  readonly shl: BinaryOp<B>;
  readonly sub: BinaryOp<B>;
  readonly lt_u: BinaryOp<B, 'i32'>;
}

/** The floating-point instructions that the fast paths need, for either width. */
interface NativeOps<F extends Native> {
  readonly add: BinaryOp<F>;
  readonly sub: BinaryOp<F>;
  readonly mul: BinaryOp<F>;
  readonly div: BinaryOp<F>;
  readonly sqrt: (operand: Expr<F>) => Expr<F>;
  readonly eq: BinaryOp<F, 'i32'>;
  readonly ne: BinaryOp<F, 'i32'>;
  readonly lt: BinaryOp<F, 'i32'>;
  readonly le: BinaryOp<F, 'i32'>;
  /** The nearest value to a signed or an unsigned 64-bit integer. */
  readonly convert_i64_s: (operand: I64) => Expr<F>;
  readonly convert_i64_u: (operand: I64) => Expr<F>;
}

/** The encoding of an interchange format of IEEE 754-2008 (table 3.5). */
export interface Encoding {
  readonly name: Native | 'f16';
  /** Number of stored significand bits: the precision less one. */
  readonly fractionBits: number;
  /** The exponent field of infinities and NaNs. */
  readonly exponentMask: number;
  readonly bias: number;
  /** The position of the sign bit. */
  readonly signPosition: number;
  /** The sign bit. */
  readonly sign: bigint;
  /** Positive infinity; also the mask of the exponent field. */
  readonly infinity: bigint;
  /** The bit that tells a quiet NaN from a signalling one. */
  readonly quiet: bigint;
  readonly canonicalNan: bigint;
}

/** An interchange format and the integer instructions that handle its raw bits. */
export interface RawFormat<B extends Bits> extends Encoding {
  readonly bits: B;
  readonly integer: IntegerOps<B>;
  /** The raw bits as an unsigned 64-bit number. */
  readonly widen: (bits: Expr<B>) => I64;
  readonly narrow: (raw: I64) => Expr<B>;
}

/** An interchange format with the floating-point instructions too. */
export interface Format<B extends Bits, F extends Native> extends RawFormat<B> {
  readonly name: Native;
  readonly native: NativeOps<F>;
  readonly toFloat: (bits: Expr<B>) => Expr<F>;
  readonly toBits: (value: Expr<F>) => Expr<B>;
}

function encoding(exponentBits: number, fractionBits: number) {
  const exponentMask = (1 << exponentBits) - 1;
  const infinity = BigInt(exponentMask) << BigInt(fractionBits);
  const quiet = 1n << BigInt(fractionBits - 1);
  return {
    fractionBits,
    exponentMask,
    bias: exponentMask >> 1,
    signPosition: exponentBits + fractionBits,
    sign: 1n << BigInt(exponentBits + fractionBits),
    infinity,
    quiet,
    canonicalNan: infinity | quiet,
  };
}

/** WebAssembly has no instructions for it. */
export const BINARY16: RawFormat<'i32'> = {
  ...encoding(5, 10),
  name: 'f16',
  bits: 'i32',
  integer: { ...i32, const: (value) => i32.const(Number(BigInt.asIntN(32, value))) },
  widen: i64.extend_i32_u,
  narrow: i32.wrap_i64,
};

export const BINARY32: Format<'i32', 'f32'> = {
  ...encoding(8, 23),
  name: 'f32',
  bits: 'i32',
  integer: { ...i32, const: (value) => i32.const(Number(BigInt.asIntN(32, value))) },
  native: f32,
  widen: i64.extend_i32_u,
  narrow: i32.wrap_i64,
  toFloat: f32.reinterpret_i32,
  toBits: i32.reinterpret_f32,
};

export const BINARY64: Format<'i64', 'f64'> = {
  ...encoding(11, 52),
  name: 'f64',
  bits: 'i64',
  integer: i64,
  native: f64,
  widen: (bits) => bits,
  narrow: (raw) => raw,
  toFloat: f64.reinterpret_i64,
  toBits: i64.reinterpret_f64,
};

/** The raw value without its sign. */
export function magnitude(format: Encoding, raw: I64): I64 {
  return i64.and(raw, i64.const(format.sign - 1n));
}

/** Whether a raw value is an infinity or a NaN. */
export function isSpecial(format: Encoding, raw: I64): I32 {
  return i64.eq(i64.and(raw, i64.const(format.infinity)), i64.const(format.infinity));
}

export function isNan(format: Encoding, raw: I64): I32 {
  return i64.gt_u(magnitude(format, raw), i64.const(format.infinity));
}

export function isSignallingNan(format: Encoding, raw: I64): I32 {
  return i32.and(isNan(format, raw), i64.eqz(i64.and(raw, i64.const(format.quiet))));
}

export function isZero(format: Encoding, raw: I64): I32 {
  return i64.eqz(magnitude(format, raw));
}

/** The sign of a raw value: 0 or 1. */
export function signOf(format: Encoding, raw: I64): I32 {
  return i32.wrap_i64(i64.shr_u(raw, i64.const(format.signPosition)));
}

/** A zero or, added to a magnitude, a signed value: the sign moved to its place. */
export function signBit(format: Encoding, sign: I32): I64 {
  return i64.shl(i64.extend_i32_u(sign), i64.const(format.signPosition));
}

/** Whether the bits are neither infinity nor NaN. */
export function hasFiniteValue<B extends Bits>({ integer, infinity }: RawFormat<B>, bits: Expr<B>): I32 {
  return integer.lt_u(integer.shl(bits, integer.const(1n)), integer.const(infinity << 1n));
}

/**
 * Whether the bits are a finite number that cannot be the result of an underflow: its exponent field is at least 2. The
 * smallest normal number has field 1 and may be the result of rounding up a tiny value.
 */
export function isSafelyNormal<B extends Bits>(format: RawFormat<B>, bits: Expr<B>): I32 {
  const { integer, infinity, fractionBits } = format;
  const lowest = 2n << BigInt(fractionBits + 1);
  const scaled = integer.sub(integer.shl(bits, integer.const(1n)), integer.const(lowest));
  return integer.lt_u(scaled, integer.const((infinity << 1n) - lowest));
}

/** Instructions on 16 bytes at once as typed expression factories, named as in the specification (chapter 5.4.8). */
import type { ByteWriter } from './byte-writer.ts';
import { Expr, emitMemoryArgument, emitVector, type ValType } from './expression.ts';

export type V128 = Expr<'v128'>;

class Simd<T extends ValType> extends Expr<T> {
  readonly #opcode: number;
  readonly #operands: readonly Expr[];
  readonly #immediate: readonly number[];

  constructor(type: T, opcode: number, operands: readonly Expr[], immediate: readonly number[] = []) {
    super(type);
    this.#opcode = opcode;
    this.#operands = operands;
    this.#immediate = immediate;
  }

  emit(code: ByteWriter): void {
    for (const operand of this.#operands) operand.emit(code);
    emitVector(code, this.#opcode);
    for (const byte of this.#immediate) code.u8(byte);
  }
}

class SimdLoad extends Expr<'v128'> {
  readonly #opcode: number;
  readonly #address: Expr<'i32'>;
  readonly #offset: number;

  constructor(opcode: number, address: Expr<'i32'>, offset: number) {
    super('v128');
    this.#opcode = opcode;
    this.#address = address;
    this.#offset = offset;
  }

  emit(code: ByteWriter): void {
    this.#address.emit(code);
    emitVector(code, this.#opcode);
    emitMemoryArgument(code, 0, this.#offset);
  }
}

function sixteen(bytes: readonly number[]): readonly number[] {
  if (bytes.length !== 16) throw new RangeError(`${bytes.length} bytes in place of 16`);
  return bytes;
}

type Shift = (a: V128, amount: Expr<'i32'>) => V128;
type Unary = (a: V128) => V128;
type Binary = (a: V128, b: V128) => V128;

const unary =
  (opcode: number): Unary =>
  (a) =>
    new Simd('v128', opcode, [a]);
const binary =
  (opcode: number): Binary =>
  (a, b) =>
    new Simd('v128', opcode, [a, b]);
const shift =
  (opcode: number): Shift =>
  (a, amount) =>
    new Simd('v128', opcode, [a, amount]);
const toInteger =
  (opcode: number) =>
  (a: V128): Expr<'i32'> =>
    new Simd('i32', opcode, [a]);
const load =
  (opcode: number) =>
  (address: Expr<'i32'>, offset = 0): V128 =>
    new SimdLoad(opcode, address, offset);

/** Operations that do not depend on lanes, and loads that widen: eight bytes to 16. */
export const v128 = {
  /** 16 bytes, the lowest first. */
  const: (bytes: readonly number[]): V128 => new Simd('v128', 0x0c, [], sixteen(bytes)),
  load: load(0x00),
  load8x8_s: load(0x01),
  load8x8_u: load(0x02),
  load16x4_s: load(0x03),
  load16x4_u: load(0x04),
  load32x2_s: load(0x05),
  load32x2_u: load(0x06),
  not: unary(0x4d),
  and: binary(0x4e),
  or: binary(0x50),
  xor: binary(0x51),
} as const;

/** Instructions of integers by lanes; there are not all of them for each shape. */
export const INTEGER_LANES = {
  i8x16: {
    splat: (value: Expr<'i32'>): V128 => new Simd('v128', 0x0f, [value]),
    /** Bytes of both, by their numbers: those of `b` from 16 on. */
    shuffle: (a: V128, b: V128, from: readonly number[]): V128 =>
      new Simd('v128', 0x0d, [a, b], sixteen(from)),
    /** Bytes of `a` by the numbers that `b` has; 0 for numbers beyond 15. */
    swizzle: binary(0x0e),
    ...{ eq: binary(0x23), ne: binary(0x24), lt_s: binary(0x25), lt_u: binary(0x26) },
    ...{ gt_s: binary(0x27), gt_u: binary(0x28), le_s: binary(0x29), le_u: binary(0x2a) },
    ...{ shl: shift(0x6b), shr_s: shift(0x6c), shr_u: shift(0x6d) },
    ...{ add: binary(0x6e), sub: binary(0x71) },
    ...{ min_s: binary(0x76), min_u: binary(0x77), max_s: binary(0x78), max_u: binary(0x79) },
    ...{ bitmask: toInteger(0x64), allTrue: toInteger(0x63) },
  },
  i16x8: {
    splat: (value: Expr<'i32'>): V128 => new Simd('v128', 0x10, [value]),
    ...{ eq: binary(0x2d), ne: binary(0x2e), lt_s: binary(0x2f), lt_u: binary(0x30) },
    ...{ gt_s: binary(0x31), gt_u: binary(0x32), le_s: binary(0x33), le_u: binary(0x34) },
    ...{ shl: shift(0x8b), shr_s: shift(0x8c), shr_u: shift(0x8d) },
    ...{ add: binary(0x8e), sub: binary(0x91), mul: binary(0x95) },
    ...{ min_s: binary(0x96), min_u: binary(0x97), max_s: binary(0x98), max_u: binary(0x99) },
    ...{ bitmask: toInteger(0x84), allTrue: toInteger(0x83) },
  },
  i32x4: {
    splat: (value: Expr<'i32'>): V128 => new Simd('v128', 0x11, [value]),
    extract: (a: V128, lane: 0 | 1 | 2 | 3): Expr<'i32'> => new Simd('i32', 0x1b, [a], [lane]),
    replace: (a: V128, lane: 0 | 1 | 2 | 3, value: Expr<'i32'>): V128 =>
      new Simd('v128', 0x1c, [a, value], [lane]),
    ...{ eq: binary(0x37), ne: binary(0x38), lt_s: binary(0x39), lt_u: binary(0x3a) },
    ...{ gt_s: binary(0x3b), gt_u: binary(0x3c), le_s: binary(0x3d), le_u: binary(0x3e) },
    ...{ shl: shift(0xab), shr_s: shift(0xac), shr_u: shift(0xad) },
    ...{ add: binary(0xae), sub: binary(0xb1), mul: binary(0xb5) },
    ...{ min_s: binary(0xb6), min_u: binary(0xb7), max_s: binary(0xb8), max_u: binary(0xb9) },
    ...{ bitmask: toInteger(0xa4), allTrue: toInteger(0xa3) },
  },
  i64x2: {
    splat: (value: Expr<'i64'>): V128 => new Simd('v128', 0x12, [value]),
    ...{ eq: binary(0xd6), ne: binary(0xd7), lt_s: binary(0xd8), gt_s: binary(0xd9), le_s: binary(0xda) },
    ...{ shl: shift(0xcb), shr_s: shift(0xcc), shr_u: shift(0xcd) },
    ...{ add: binary(0xce), sub: binary(0xd1), mul: binary(0xd5) },
    ...{ bitmask: toInteger(0xc4), allTrue: toInteger(0xc3) },
    extract: (a: V128, lane: 0 | 1): Expr<'i64'> => new Simd('i64', 0x1d, [a], [lane]),
    replace: (a: V128, lane: 0 | 1, value: Expr<'i64'>): V128 => new Simd('v128', 0x1e, [a, value], [lane]),
  },
} as const;

/** Instructions of floating point by lanes. `madd` may round once or twice. */
export const FLOAT_LANES = {
  f32x4: {
    ...{ eq: binary(0x41), lt: binary(0x43), le: binary(0x45) },
    ...{ abs: unary(0xe0), neg: unary(0xe1), sqrt: unary(0xe3) },
    ...{ add: binary(0xe4), sub: binary(0xe5), mul: binary(0xe6), div: binary(0xe7) },
    madd: (a: V128, b: V128, c: V128): V128 => new Simd('v128', 0x105, [a, b, c]),
  },
  f64x2: {
    ...{ eq: binary(0x47), lt: binary(0x49), le: binary(0x4b) },
    ...{ abs: unary(0xec), neg: unary(0xed), sqrt: unary(0xef) },
    ...{ add: binary(0xf0), sub: binary(0xf1), mul: binary(0xf2), div: binary(0xf3) },
    madd: (a: V128, b: V128, c: V128): V128 => new Simd('v128', 0x107, [a, b, c]),
  },
} as const;

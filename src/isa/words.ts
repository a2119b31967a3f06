import { type Expr, type I32, type I64, i32, i64 } from '../wasm/index.ts';
import type { Semantics, Xlen } from './semantics.ts';

/** The low 32 bits of a register. */
export function word(value: I64): I32 {
  return i32.wrap_i64(value);
}

/** rs2 with the byte in its lowest bits that the immediate tells. */
export function selectedByte({ rs2, imm }: Pick<Semantics, 'rs2' | 'imm'>): I32 {
  return i32.shr_u(word(rs2), i32.shl(word(imm), i32.const(3)));
}

/** A word rotated to the left by as many bytes as the immediate tells. */
export function rotatedToByte({ imm }: Pick<Semantics, 'imm'>, value: I32): I32 {
  return i32.rotl(value, i32.shl(word(imm), i32.const(3)));
}

/** A 32-bit result as registers keep it: sign-extended. */
export function wordResult(value: I32): I64 {
  return i64.extend_i32_s(value);
}

/** The low 32 bits of a register, zero-extended. */
export function unsignedWord(value: I64): I64 {
  return i64.extend_i32_u(value.narrowed());
}

/** An address, which may have been computed beyond the last one of its width: then it is counted from 0 on. */
export function addressWithin(xlen: Xlen, address: I64): I64 {
  return xlen === 64 ? address : unsignedWord(address);
}

type IntegerType = 'i32' | 'i64';
type UnaryName = 'clz' | 'ctz' | 'popcnt';
type BinaryName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div_s'
  | 'div_u'
  | 'rem_s'
  | 'rem_u'
  | 'shl'
  | 'shr_s'
  | 'shr_u'
  | 'rotl'
  | 'rotr';

/** Integers of one width: how registers are cut to them and results extended, and WebAssembly's operations. */
type Integers<T extends IntegerType> = {
  take(register: I64): Expr<T>;
  result(value: Expr<T>): I64;
  const(value: number): Expr<T>;
  eqz(value: Expr<T>): I32;
  le_u(left: Expr<T>, right: Expr<T>): I32;
} & { [Name in UnaryName]: (value: Expr<T>) => Expr<T> } & {
  [Name in BinaryName]: (left: Expr<T>, right: Expr<T>) => Expr<T>;
};

const words: Integers<'i32'> = { ...i32, take: word, result: wordResult };
const doublewords: Integers<'i64'> = { ...i64, take: (value) => value, result: (value) => value };

/** Computes on the integers of a width: those of a register, or on RV64 of its low word. */
export function atWidth(width: Xlen, compute: <T extends IntegerType>(integers: Integers<T>) => I64): I64 {
  return width === 64 ? compute(doublewords) : compute(words);
}

/** Counts bits of a value of a width. */
export function unary(width: Xlen, name: UnaryName, value: I64): I64 {
  return atWidth(width, (integers) => integers.result(integers[name](integers.take(value))));
}

/** Exchanges neighbouring groups of `distance` bits; `mask` has the lower group of each pair. */
function exchange(value: I64, distance: number, mask: bigint): I64 {
  const by = i64.const(distance);
  return i64.or(i64.shl(i64.and(value, i64.const(mask)), by), i64.and(i64.shr_u(value, by), i64.const(mask)));
}

/** The bytes of a value of XLEN bits in reverse. */
export function reverseBytes(s: Pick<Semantics, 'let'>, value: I64, xlen: Xlen): I64 {
  const bytes = s.let(exchange(s.let(value), 8, 0x00ff_00ff_00ff_00ffn));
  const halves = s.let(exchange(bytes, 16, 0x0000_ffff_0000_ffffn));
  return xlen === 64 ? i64.rotl(halves, i64.const(32)) : halves;
}

/** The bits of each byte of a value in reverse. */
export function reverseBitsOfBytes(s: Pick<Semantics, 'let'>, value: I64): I64 {
  const pairs = s.let(exchange(s.let(value), 1, 0x5555_5555_5555_5555n));
  const digits = s.let(exchange(pairs, 2, 0x3333_3333_3333_3333n));
  return exchange(digits, 4, 0x0f0f_0f0f_0f0f_0f0fn);
}

/** All 64 bits of a value in reverse, named. */
export function reverseBits(s: Pick<Semantics, 'let'>, value: I64): I64 {
  return s.let(reverseBytes(s, reverseBitsOfBytes(s, value), 64));
}

/** An operation on two values of a width; amounts of shifts and rotations count modulo the width. */
export function binary(width: Xlen, name: BinaryName, left: I64, right: I64): I64 {
  return atWidth(width, (integers) =>
    integers.result(integers[name](integers.take(left), integers.take(right))),
  );
}

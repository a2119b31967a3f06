import { type Expr, type I32, type I64, i32, i64 } from '../wasm/index.ts';
import type { Xlen } from './semantics.ts';

/** The low 32 bits of a register. */
export function word(value: I64): I32 {
  return i32.wrap_i64(value);
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

/** An operation on two values of a width; amounts of shifts and rotations count modulo the width. */
export function binary(width: Xlen, name: BinaryName, left: I64, right: I64): I64 {
  return atWidth(width, (integers) =>
    integers.result(integers[name](integers.take(left), integers.take(right))),
  );
}

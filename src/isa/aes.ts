import { type I32, INTEGER_LANES, i32, select, type V128, v128 } from '../wasm/index.ts';
import { boxOf, substituted } from './byte-boxes.ts';
import type { Semantics } from './semantics.ts';

/** The steps of AES on its state (FIPS 197, 5.1 and 5.3): 16 bytes, four of each column, the first column lowest. */

type Tools = Pick<Semantics, 'let'>;

const { i8x16 } = INTEGER_LANES;
const { xor } = v128;
const PLACES = Array.from({ length: 16 }, (_, index) => index);
const SEVEN = i32.const(7);
const ONE = i32.const(1);
const REDUCTION = v128.const(PLACES.map(() => 0x1b));

const order = (from: (row: number, column: number) => number): readonly number[] =>
  PLACES.map((place) => from(place & 3, place >> 2));
const ROWS = order((row, column) => 4 * ((column + row) & 3) + row);
const ROWS_BACK = order((row, column) => 4 * ((column - row) & 3) + row);
/** The byte of a column that is so many rows further down. */
const further = [1, 2, 3].map((rows) => order((row, column) => 4 * column + ((row + rows) & 3)));

const permuted = (value: V128, from: readonly number[]): V128 => i8x16.shuffle(value, value, from);

/** Times x in the field of AES. */
function doubled(value: V128): V128 {
  const carry = v128.and(i8x16.shr_s(value, SEVEN), REDUCTION);
  return xor(i8x16.shl(value, ONE), carry);
}

/** MixColumns: 2 and 3 of a byte and the next one, and the other two. */
export function mixedColumns(s: Tools, state: V128): V128 {
  const bytes = s.let(state);
  const next = s.let(permuted(bytes, further[0]));
  const others = xor(next, xor(permuted(bytes, further[1]), permuted(bytes, further[2])));
  return xor(doubled(s.let(xor(bytes, next))), others);
}

/** InvMixColumns: MixColumns of 5 of a byte and 4 of that two rows on. */
export function unmixedColumns(s: Tools, state: V128): V128 {
  const bytes = s.let(state);
  const pair = s.let(xor(bytes, permuted(bytes, further[1])));
  const four = doubled(s.let(doubled(pair)));
  return mixedColumns(s, xor(bytes, four));
}

/** SubBytes. */
export const substitutedBytes = (s: Tools, bytes: V128): V128 => substituted(s, boxOf('aes'), bytes);

/** InvSubBytes. */
export const unsubstitutedBytes = (s: Tools, bytes: V128): V128 => substituted(s, boxOf('aesInverse'), bytes);

/** SubBytes of ShiftRows. */
export function substitutedRows(s: Tools, state: V128): V128 {
  return substitutedBytes(s, permuted(s.let(state), ROWS));
}

/** InvSubBytes of InvShiftRows. */
export function unsubstitutedRows(s: Tools, state: V128): V128 {
  return unsubstitutedBytes(s, permuted(s.let(state), ROWS_BACK));
}

/** The power of x that a round of the key expansion adds, from round 0 on; round 10 adds nothing. */
export function roundConstant(round: I32): I32 {
  const beyond = i32.and(i32.shr_u(i32.const(0x361b), i32.shl(round, i32.const(3))), i32.const(0xff));
  const isPlain = i32.lt_u(round, i32.const(8));
  return select(isPlain, i32.shl(i32.const(1), round), beyond);
}

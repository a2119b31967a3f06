import { INTEGER_LANES, i32, type V128, v128 } from '../wasm/index.ts';
import type { Semantics } from './semantics.ts';

/**
 * The S-boxes of AES and SM4, on 16 bytes at once and without tables in memory, so that the time does not depend on the
 * data (Zkt, Zvkt). Each is an inversion in a field of 256 elements between two affine functions. An element is written
 * as a pair of elements of the field of 16, of which functions are tables in the bytes of a constant, read by
 * `i8x16.swizzle`.
 *
 * With the conjugates w and w' of a number whose sum is 1, an element is i w + j w', and its inverse
 * (j w + i w') / N, where N = i j + k² ν, k = i + j and ν = w w'. With a = 1 / ν, p = 1 / (1 / (1 / i + a / k) + j) is
 * (k + a i) / (a N), and q, the same of j, is (k + a j) / (a N); so the inverse is q (w + ν) + p (w' + ν). Where a
 * number is 0 its inverse is written as a byte beyond 15, which `swizzle` takes to be 0, also when something is added.
 * (M. Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009.)
 */
export interface ByteBox {
  /** Bytes to pairs (i in the upper half, k in the lower one), by the lower and the upper half of a byte. */
  readonly pairs: readonly [lower: V128, upper: V128];
  readonly inverse: V128;
  /** Quotients of a. */
  readonly quotient: V128;
  /** The terms that 1 / p and 1 / q add to the result. */
  readonly results: readonly [p: V128, q: V128];
  readonly constant: V128;
}

type Mapping = (byte: number) => number;

const range = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);
const NIBBLES = range(16);
const BYTES = range(256);

/** Products in the field of 256 elements that are polynomials modulo one of degree 8. */
function productModulo(polynomial: number): (a: number, b: number) => number {
  return (a, b) => {
    let sum = 0;
    for (let bit = 0; bit < 8; bit++) if (((b >> bit) & 1) === 1) sum ^= a << bit;
    for (let bit = 14; bit >= 8; bit--) if (((sum >> bit) & 1) === 1) sum ^= polynomial << (bit - 8);
    return sum;
  };
}

/** Stands for the inverse of 0. */
const NONE = 0x80;

function found(values: readonly number[], isRight: (value: number) => boolean): number {
  const value = values.find(isRight);
  if (value === undefined) throw new Error('the polynomial makes no field');
  return value;
}

/** @param before done to a byte before the inversion, affine @param after done to the inverse, affine */
function byteBox(polynomial: number, before: Mapping, after: Mapping): ByteBox {
  const product = productModulo(polynomial);
  const power = (value: number, exponent: number): number =>
    range(exponent).reduce((result) => product(result, value), 1);
  // 16 elements that are their own 16th power are a field: numbers of 4 bits name sums of four of them.
  const small = BYTES.filter((value) => power(value, 16) === value);
  const generator = found(small, (value) => new Set(range(15).map((n) => power(value, n))).size === 15);
  const sums = NIBBLES.map((bits) =>
    range(4).reduce((sum, n) => (((bits >> n) & 1) === 1 ? sum ^ power(generator, n) : sum), 0),
  );
  const inverse = (value: number): number => power(value, 254);
  const w = found(BYTES, (value) => (value ^ power(value, 16)) === 1);
  const conjugate = power(w, 16);
  const nu = product(w, conjugate);
  const nameOf = (value: number): number => sums.indexOf(value);
  // i w + (i + k) w' is i + k w'.
  const pairOf = new Map(
    BYTES.map((pair) => [sums[pair >> 4] ^ product(sums[pair & 15], conjugate), pair] as const),
  );
  const paired = (byte: number): number => pairOf.get(before(byte)) ?? NONE;
  const orNone = (of: Mapping): V128 =>
    v128.const(NIBBLES.map((name) => (name === 0 ? NONE : nameOf(of(inverse(sums[name]))))));
  const constant = after(0);
  const result = (factor: number): V128 =>
    v128.const(NIBBLES.map((name) => after(product(inverse(sums[name]), factor)) ^ constant));
  return {
    pairs: [
      v128.const(NIBBLES.map(paired)),
      v128.const(NIBBLES.map((half) => paired(half << 4) ^ paired(0))),
    ],
    inverse: orNone((value) => value),
    quotient: orNone((value) => product(value, inverse(nu))),
    results: [result(conjugate ^ nu), result(w ^ nu)],
    constant: splat(constant),
  };
}

const splat = (byte: number): V128 => v128.const(NIBBLES.map(() => byte));

/** The sum of rotations of a byte to the left. */
const rotated =
  (...amounts: readonly number[]): Mapping =>
  (byte) =>
    amounts.reduce((sum, by) => sum ^ (((byte << by) | (byte >> (8 - by))) & 0xff), 0);

const AES = 0x11b;
const SM4 = 0x1f5;
const ofAes = rotated(0, 1, 2, 3, 4);
const ofAesInverse = rotated(1, 3, 6);
const ofSm4 = rotated(0, 1, 3, 6, 7);

/** FIPS 197, 5.1.1 and 5.3.2; GB/T 32907-2016, 6.2, in the form by which it is computed. */
const MAKERS = {
  aes: () =>
    byteBox(
      AES,
      (byte) => byte,
      (byte) => ofAes(byte) ^ 0x63,
    ),
  aesInverse: () =>
    byteBox(
      AES,
      (byte) => ofAesInverse(byte) ^ 0x05,
      (byte) => byte,
    ),
  sm4: () =>
    byteBox(
      SM4,
      (byte) => ofSm4(byte) ^ 0xd3,
      (byte) => ofSm4(byte) ^ 0xd3,
    ),
} as const;

const made: Partial<Record<keyof typeof MAKERS, ByteBox>> = {};

/** An S-box. Made when it is first used: hardly a guest does, and it would keep each new thread for milliseconds. */
export function boxOf(name: keyof typeof MAKERS): ByteBox {
  made[name] ??= MAKERS[name]();
  return made[name];
}

const { shr_u: shiftRight, swizzle } = INTEGER_LANES.i8x16;
const LOWER = splat(0x0f);
const FOUR = i32.const(4);
const { xor } = v128;

/** Each of 16 bytes through an S-box. */
export function substituted(s: Pick<Semantics, 'let'>, box: ByteBox, bytes: V128): V128 {
  const halves = (value: V128): [upper: V128, lower: V128] => [
    s.let(shiftRight(value, FOUR)),
    s.let(v128.and(value, LOWER)),
  ];
  const [upper, lower] = halves(s.let(bytes));
  const pairs = xor(swizzle(box.pairs[0], lower), swizzle(box.pairs[1], upper));
  const [i, k] = halves(s.let(pairs));
  const j = s.let(xor(i, k));
  const quotient = s.let(swizzle(box.quotient, k));
  const part = (one: V128, other: V128): V128 =>
    xor(swizzle(box.inverse, xor(swizzle(box.inverse, one), quotient)), other);
  const sum = xor(swizzle(box.results[0], part(i, j)), swizzle(box.results[1], part(j, i)));
  return xor(sum, box.constant);
}

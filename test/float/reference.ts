/**
 * Floating-point arithmetic as IEEE 754 defines it: the exact result as a fraction of two bigints, then one rounding.
 * Slow and plain, to test the fast implementation against. Rounding modes and flags have the RISC-V encodings.
 */

export interface Encoding {
  readonly exponentBits: number;
  readonly fractionBits: number;
}

export const HALF: Encoding = { exponentBits: 5, fractionBits: 10 };
export const SINGLE: Encoding = { exponentBits: 8, fractionBits: 23 };
export const DOUBLE: Encoding = { exponentBits: 11, fractionBits: 52 };

export interface Result {
  readonly bits: bigint;
  readonly flags: number;
}

const NX = 1;
const UF = 2;
const OF = 4;
const DZ = 8;
const NV = 16;
const [RNE, RTZ, RDN, RUP, RMM] = [0, 1, 2, 3, 4];

/** A datum of a format. The value of a finite one is (negative ? -1 : 1) × size. */
interface Datum {
  readonly kind: 'finite' | 'infinite' | 'quiet' | 'signalling';
  readonly negative: boolean;
  readonly size: Fraction;
}

/** A non-negative number top / bottom. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

const ZERO: Fraction = { top: 0n, bottom: 1n };

/** top × 2^exponent */
function scaled(top: bigint, exponent: number): Fraction {
  return exponent >= 0
    ? { top: top << BigInt(exponent), bottom: 1n }
    : { top, bottom: 1n << BigInt(-exponent) };
}

function constants({ exponentBits, fractionBits }: Encoding) {
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits);
  const quiet = 1n << BigInt(fractionBits - 1);
  const sign = 1n << BigInt(exponentBits + fractionBits);
  return { bias, infinity, quiet, sign, nan: infinity | quiet };
}

export function decode(encoding: Encoding, bits: bigint): Datum {
  const { bias, infinity, quiet, sign } = constants(encoding);
  const negative = (bits & sign) !== 0n;
  const rest = bits & (sign - 1n);
  if (rest > infinity) return { kind: (rest & quiet) === 0n ? 'signalling' : 'quiet', negative, size: ZERO };
  if (rest === infinity) return { kind: 'infinite', negative, size: ZERO };
  const field = Number(rest >> BigInt(encoding.fractionBits));
  const fraction = rest & ((1n << BigInt(encoding.fractionBits)) - 1n);
  const significand = field === 0 ? fraction : fraction | (1n << BigInt(encoding.fractionBits));
  return {
    kind: 'finite',
    negative,
    size: scaled(significand, Math.max(field, 1) - bias - encoding.fractionBits),
  };
}

/** The fraction rounded to an integer, and whether that changed it. */
function roundToInteger({ top, bottom }: Fraction, negative: boolean, rm: number) {
  const floor = top / bottom;
  const rest = 2n * (top % bottom);
  const up =
    rest !== 0n &&
    {
      [RNE]: rest > bottom || (rest === bottom && floor % 2n === 1n),
      [RTZ]: false,
      [RDN]: negative,
      [RUP]: !negative,
      [RMM]: rest >= bottom,
    }[rm] === true;
  return { integer: up ? floor + 1n : floor, inexact: rest !== 0n };
}

/** The exponent of the leading bit of a positive fraction. */
function leading({ top, bottom }: Fraction): number {
  const guess = top.toString(2).length - bottom.toString(2).length;
  const power = scaled(1n, guess);
  return top * power.bottom >= power.top * bottom ? guess : guess - 1;
}

/** size rounded to a multiple of 2^exponent, in units of it. */
function roundToUnit(size: Fraction, negative: boolean, exponent: number, rm: number) {
  const unit = scaled(1n, exponent);
  return roundToInteger({ top: size.top * unit.bottom, bottom: size.bottom * unit.top }, negative, rm);
}

/** Rounds ±size to the format. */
function round(encoding: Encoding, negative: boolean, size: Fraction, rm: number): Result {
  const { bias, infinity, sign } = constants(encoding);
  const signed = (bits: bigint, flags: number) => ({ bits: negative ? bits | sign : bits, flags });
  if (size.top === 0n) return signed(0n, 0);
  const { fractionBits } = encoding;
  const lead = leading(size);
  const lowest = 1 - bias;
  const exponent = Math.max(lead, lowest) - fractionBits;
  const { integer, inexact } = roundToUnit(size, negative, exponent, rm);
  // The unit is 1 in the last place, so the field follows from the exponent, less one for the leading bit in the
  // integer.
  const bits = (BigInt(exponent + fractionBits - lowest) << BigInt(fractionBits)) + integer;
  if (bits >= infinity) {
    const toInfinity = rm === RNE || rm === RMM || rm === (negative ? RDN : RUP);
    return signed(toInfinity ? infinity : infinity - 1n, OF | NX);
  }
  const unbounded = roundToUnit(size, negative, lead - fractionBits, rm).integer;
  const tiny = lead < lowest && !(lead === lowest - 1 && unbounded === 2n << BigInt(fractionBits));
  return signed(bits, inexact ? NX | (tiny ? UF : 0) : 0);
}

const isNan = ({ kind }: Datum) => kind === 'quiet' || kind === 'signalling';
const isZero = ({ kind, size }: Datum) => kind === 'finite' && size.top === 0n;
const signalling = (...data: Datum[]) => (data.some(({ kind }) => kind === 'signalling') ? NV : 0);

const invalid = (encoding: Encoding): Result => ({ bits: constants(encoding).nan, flags: NV });

function infinite(encoding: Encoding, negative: boolean, flags = 0): Result {
  const { infinity, sign } = constants(encoding);
  return { bits: negative ? infinity | sign : infinity, flags };
}

function propagate(encoding: Encoding, data: Datum[]): Result {
  return { bits: constants(encoding).nan, flags: signalling(...data) };
}

function product(a: Datum, b: Datum): Datum {
  const negative = a.negative !== b.negative;
  const kind = a.kind === 'infinite' || b.kind === 'infinite' ? 'infinite' : 'finite';
  return { kind, negative, size: { top: a.size.top * b.size.top, bottom: a.size.bottom * b.size.bottom } };
}

/** The sum of two data that are not NaN. */
function sum(encoding: Encoding, a: Datum, b: Datum, rm: number): Result {
  if (a.kind === 'infinite' || b.kind === 'infinite') {
    if (a.kind === b.kind && a.negative !== b.negative) return invalid(encoding);
    return infinite(encoding, a.kind === 'infinite' ? a.negative : b.negative);
  }
  const signed = ({ negative, size }: Datum, other: Datum) =>
    (negative ? -size.top : size.top) * other.size.bottom;
  const top = signed(a, b) + signed(b, a);
  const zeroIsNegative = a.negative === b.negative ? a.negative : rm === RDN;
  const negative = top === 0n ? zeroIsNegative : top < 0n;
  return round(encoding, negative, { top: top < 0n ? -top : top, bottom: a.size.bottom * b.size.bottom }, rm);
}

function quotient(encoding: Encoding, a: Datum, b: Datum, rm: number): Result {
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinite') return b.kind === 'infinite' ? invalid(encoding) : infinite(encoding, negative);
  if (b.kind === 'infinite') return round(encoding, negative, ZERO, rm);
  if (isZero(b)) return isZero(a) ? invalid(encoding) : infinite(encoding, negative, DZ);
  return round(
    encoding,
    negative,
    { top: a.size.top * b.size.bottom, bottom: a.size.bottom * b.size.top },
    rm,
  );
}

function floorRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/**
 * The root to more places than the least number of the format needs; a root that goes on beyond them is a little more,
 * which rounds in the same way.
 */
function root(encoding: Encoding, a: Datum, rm: number): Result {
  if (isZero(a)) return round(encoding, a.negative, ZERO, rm);
  if (a.negative) return invalid(encoding);
  if (a.kind === 'infinite') return infinite(encoding, false);
  const places = BigInt(2 ** (encoding.exponentBits - 1) + 3 * encoding.fractionBits);
  const radicand = (a.size.top << (2n * places)) / a.size.bottom;
  const floor = floorRoot(radicand);
  const more = floor * floor === radicand ? 0n : 1n;
  return round(encoding, false, { top: 2n * floor + more, bottom: 2n << places }, rm);
}

export type Operation = 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'fma';

/** An operation on raw bits. */
export function arithmetic(
  encoding: Encoding,
  operation: Operation,
  operands: readonly bigint[],
  rm: number,
): Result {
  const data = operands.map((bits) => decode(encoding, bits));
  const [a, b, c] = data;
  if (operation === 'fma') return fused(encoding, a, b, c, rm);
  if (data.some(isNan)) return propagate(encoding, data);
  switch (operation) {
    case 'add':
      return sum(encoding, a, b, rm);
    case 'sub':
      return sum(encoding, a, { ...b, negative: !b.negative }, rm);
    case 'mul':
      return multiplied(encoding, a, b, rm);
    case 'div':
      return quotient(encoding, a, b, rm);
    case 'sqrt':
      return root(encoding, a, rm);
  }
}

const infinityTimesZero = (a: Datum, b: Datum) =>
  (a.kind === 'infinite' && isZero(b)) || (isZero(a) && b.kind === 'infinite');

function multiplied(encoding: Encoding, a: Datum, b: Datum, rm: number): Result {
  if (infinityTimesZero(a, b)) return invalid(encoding);
  const { kind, negative, size } = product(a, b);
  return kind === 'infinite' ? infinite(encoding, negative) : round(encoding, negative, size, rm);
}

function fused(encoding: Encoding, a: Datum, b: Datum, c: Datum, rm: number): Result {
  // Invalid even if the addend is a quiet NaN.
  if (infinityTimesZero(a, b)) return invalid(encoding);
  if ([a, b, c].some(isNan)) return propagate(encoding, [a, b, c]);
  return sum(encoding, product(a, b), c, rm);
}

/** Conversion between formats. */
export function resize(from: Encoding, to: Encoding, bits: bigint, rm: number): Result {
  const a = decode(from, bits);
  if (isNan(a)) return propagate(to, [a]);
  return a.kind === 'infinite' ? infinite(to, a.negative) : round(to, a.negative, a.size, rm);
}

/** Conversion of an integer. */
export function fromInteger(to: Encoding, value: bigint, rm: number): Result {
  return round(to, value < 0n, { top: value < 0n ? -value : value, bottom: 1n }, rm);
}

/** Conversion to an integer of `width` bits; the result is sign-extended to 64 bits from there. */
export function toInteger(
  from: Encoding,
  bits: bigint,
  rm: number,
  { width, signed }: { readonly width: number; readonly signed: boolean },
): Result {
  const range = 1n << BigInt(width);
  const [lowest, highest] = signed ? [-range / 2n, range / 2n - 1n] : [0n, range - 1n];
  const register = (value: bigint, flags: number) => ({ bits: BigInt.asIntN(width, value), flags });
  const a = decode(from, bits);
  if (isNan(a)) return register(highest, NV);
  if (a.kind === 'infinite') return register(a.negative ? lowest : highest, NV);
  const { integer, inexact } = roundToInteger(a.size, a.negative, rm);
  const value = a.negative ? -integer : integer;
  if (value < lowest) return register(lowest, NV);
  if (value > highest) return register(highest, NV);
  return register(value, inexact ? NX : 0);
}

/** -1, 0, 1 for two data that are not NaN; zeros are equal. */
function order(a: Datum, b: Datum): number {
  const value = ({ kind, negative, size }: Datum): Fraction => {
    const top = kind === 'infinite' ? 1n << 5000n : size.top;
    return { top: negative ? -top : top, bottom: size.bottom };
  };
  const [x, y] = [value(a), value(b)];
  const difference = x.top * y.bottom - y.top * x.bottom;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function compare(encoding: Encoding, relation: 'eq' | 'lt' | 'le', x: bigint, y: bigint): Result {
  const [a, b] = [decode(encoding, x), decode(encoding, y)];
  if (isNan(a) || isNan(b)) return { bits: 0n, flags: relation === 'eq' ? signalling(a, b) : NV };
  const sign = order(a, b);
  const holds = { eq: sign === 0, lt: sign < 0, le: sign <= 0 }[relation];
  return { bits: holds ? 1n : 0n, flags: 0 };
}

export function extremum(encoding: Encoding, which: 'min' | 'max', x: bigint, y: bigint): Result {
  const [a, b] = [decode(encoding, x), decode(encoding, y)];
  const flags = signalling(a, b);
  if (isNan(a) && isNan(b)) return { bits: constants(encoding).nan, flags };
  if (isNan(a)) return { bits: y, flags };
  if (isNan(b)) return { bits: x, flags };
  const sign = order(a, b) || Number(b.negative) - Number(a.negative);
  return { bits: (which === 'min' ? sign <= 0 : sign >= 0) ? x : y, flags };
}

/** The mask of FCLASS. */
export function classify(encoding: Encoding, bits: bigint): bigint {
  const { kind, negative, size } = decode(encoding, bits);
  if (kind === 'signalling') return 1n << 8n;
  if (kind === 'quiet') return 1n << 9n;
  if (kind === 'infinite') return negative ? 1n << 0n : 1n << 7n;
  if (size.top === 0n) return negative ? 1n << 3n : 1n << 4n;
  if (leading(size) < 1 - constants(encoding).bias) return negative ? 1n << 2n : 1n << 5n;
  return negative ? 1n << 1n : 1n << 6n;
}

/** Rounding to an integral number of the format: exact, apart from whether that changed anything. */
export function integral(encoding: Encoding, bits: bigint, rm: number, raises: boolean): Result {
  const a = decode(encoding, bits);
  if (isNan(a)) return propagate(encoding, [a]);
  if (a.kind === 'infinite') return infinite(encoding, a.negative);
  const { integer, inexact } = roundToInteger(a.size, a.negative, rm);
  const rounded = round(encoding, a.negative, { top: integer, bottom: 1n }, rm);
  return { bits: rounded.bits, flags: raises && inexact ? NX : 0 };
}

/** The extremum of IEEE 754-2019 that is NaN where an operand is. */
export function nanExtremum(encoding: Encoding, which: 'min' | 'max', x: bigint, y: bigint): Result {
  const data = [decode(encoding, x), decode(encoding, y)];
  return data.some(isNan) ? propagate(encoding, data) : extremum(encoding, which, x, y);
}

/** A comparison for which quiet NaNs are not invalid. */
export function quietCompare(encoding: Encoding, relation: 'lt' | 'le', x: bigint, y: bigint): Result {
  const data = [decode(encoding, x), decode(encoding, y)];
  if (data.some(isNan)) return { bits: 0n, flags: signalling(...data) };
  return compare(encoding, relation, x, y);
}

/** `fcvtmod.w.d`: toward zero, modulo 2^32, sign-extended to 64 bits. */
export function modularWord(bits: bigint): Result {
  const a = decode(DOUBLE, bits);
  if (a.kind !== 'finite') return { bits: 0n, flags: NV };
  const { integer, inexact } = roundToInteger(a.size, a.negative, RTZ);
  const value = a.negative ? -integer : integer;
  const word = BigInt.asIntN(32, value);
  const flags = word === value ? (inexact ? NX : 0) : NV;
  return { bits: BigInt.asUintN(64, word), flags };
}

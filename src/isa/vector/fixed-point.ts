import { type I64, i32, i64, select } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { highProduct, ifNegative } from '../m.ts';
import { elementsOf, wideSuffix } from './elements.ts';
import type { ElementFunction, ElementOperands } from './shapes.ts';

const ALL = ['vv', 'vx', 'vi'] as const;
const NO_IMMEDIATE = ['vv', 'vx'] as const;
const SHIFTS = ['vv', 'vx', 'vu'] as const;
const MAX = i64.const(2n ** 63n - 1n);

const signed = elementsOf();
const unsigned = elementsOf({ signedA: false, signedB: false });

/** Computes at the upper end of 64 bits, where overflow of SEW bits is overflow of 64. */
const atTop =
  (compute: (operands: ElementOperands) => I64, shiftBack: 'shr_s' | 'shr_u'): ElementFunction =>
  (operands) => {
    const { a, b, sew, let: keep } = operands;
    const up = i64.const(64 - sew);
    const result = compute({ ...operands, a: keep(i64.shl(a, up)), b: keep(i64.shl(b, up)) });
    return i64[shiftBack](result, up);
  };

/** The largest value if it was positive, the smallest if it was negative. */
const limitOf = (value: I64): I64 => i64.xor(i64.shr_s(value, i64.const(63)), MAX);

const addUnsigned = atTop(({ a, b, let: keep, saturate }) => {
  const sum = keep(i64.add(a, b));
  const overflows = keep(i64.lt_u(sum, a));
  saturate(overflows);
  return select(overflows, i64.const(-1), sum);
}, 'shr_u');
const subtractUnsigned = atTop(({ a, b, let: keep, saturate }) => {
  const overflows = keep(i64.lt_u(a, b));
  saturate(overflows);
  return select(overflows, i64.const(0), i64.sub(a, b));
}, 'shr_u');
const addSigned = atTop(({ a, b, let: keep, saturate }) => {
  const sum = keep(i64.add(a, b));
  const overflows = keep(i64.lt_s(i64.and(i64.xor(sum, a), i64.xor(sum, b)), i64.const(0)));
  saturate(overflows);
  return select(overflows, limitOf(a), sum);
}, 'shr_s');
const subtractSigned = atTop(({ a, b, let: keep, saturate }) => {
  const difference = keep(i64.sub(a, b));
  const overflows = keep(i64.lt_s(i64.and(i64.xor(a, b), i64.xor(a, difference)), i64.const(0)));
  saturate(overflows);
  return select(overflows, limitOf(a), difference);
}, 'shr_s');

const saturating = [
  ...unsigned('vsaddu', 0b100000, ALL, addUnsigned),
  ...signed('vsadd', 0b100001, ALL, addSigned),
  ...unsigned('vssubu', 0b100010, NO_IMMEDIATE, subtractUnsigned),
  ...signed('vssub', 0b100011, NO_IMMEDIATE, subtractSigned),
];

/** Half of a sum of SEW + 1 bits: the bits that both have, and half of the bits in which they differ. */
const averageSum =
  (shift: 'shr_s' | 'shr_u'): ElementFunction =>
  ({ a, b, let: keep, roundingIncrement }) => {
    const different = keep(i64.xor(a, b));
    const half = keep(i64.add(i64.and(a, b), i64[shift](different, i64.const(1))));
    return i64.add(half, roundingIncrement(half, different, i32.const(0)));
  };
/** Half of a difference of SEW + 1 bits: the difference of the halves, less a borrow of the lowest bits. */
const averageDifference =
  (shift: 'shr_s' | 'shr_u'): ElementFunction =>
  ({ a, b, let: keep, roundingIncrement }) => {
    const one = i64.const(1);
    const different = keep(i64.xor(a, b));
    const borrow = i64.and(i64.and(different, b), one);
    const half = keep(i64.sub(i64.sub(i64[shift](a, one), i64[shift](b, one)), borrow));
    return i64.add(half, roundingIncrement(half, different, i32.const(0)));
  };

const averageSigned = elementsOf({ kind: 'multiply' });
const averageUnsigned = elementsOf({ kind: 'multiply', signedA: false, signedB: false });
const averaging = [
  ...averageUnsigned('vaaddu', 0b001000, NO_IMMEDIATE, averageSum('shr_u')),
  ...averageSigned('vaadd', 0b001001, NO_IMMEDIATE, averageSum('shr_s')),
  ...averageUnsigned('vasubu', 0b001010, NO_IMMEDIATE, averageDifference('shr_u')),
  ...averageSigned('vasub', 0b001011, NO_IMMEDIATE, averageDifference('shr_s')),
];

/** A product of 2 × SEW bits shifted right by SEW - 1. Only the square of the smallest value has no room. */
const fractionalProduct: ElementFunction = (operands) => {
  const { a, b, sew, let: keep, saturate, roundingIncrement } = operands;
  const smallest = i64.const(-(2n ** BigInt(sew - 1)));
  const overflows = keep(i32.and(i64.eq(a, smallest), i64.eq(b, smallest)));
  saturate(overflows);
  const low = keep(i64.mul(a, b));
  const isWide = sew === 64;
  const shift = i64.const(sew - 1);
  const kept = keep(
    isWide
      ? i64.or(i64.shl(signedHigh(operands), i64.const(1)), i64.shr_u(low, shift))
      : i64.shr_s(low, shift),
  );
  const half = i64.shr_u(low, i64.const(sew - 2));
  const rest = i64.ne(i64.and(low, i64.const(2n ** BigInt(sew - 2) - 1n)), i64.const(0));
  const rounded = i64.add(kept, roundingIncrement(kept, half, rest));
  return select(overflows, i64.const(2n ** BigInt(sew - 1) - 1n), rounded);
};

function signedHigh({ a, b, let: keep }: ElementOperands): I64 {
  const product = highProduct({ let: keep }, a, b);
  return i64.sub(i64.sub(product, ifNegative(a, b)), ifNegative(b, a));
}

/** A shift to the right that rounds the lost bits. Nothing is lost by a shift of 0. */
function roundedShift(operands: ElementOperands, width: number, shift: 'shr_s' | 'shr_u'): I64 {
  const { a, b, let: keep, roundingIncrement } = operands;
  const amount = keep(i64.and(b, i64.const(width - 1)));
  const kept = keep(i64[shift](a, amount));
  const lossy = keep(select(i64.eqz(amount), i64.const(0), a));
  const below = keep(i64.sub(amount, i64.const(1)));
  const half = i64.shr_u(lossy, below);
  const restBits = i64.sub(i64.shl(i64.const(1), below), i64.const(1));
  const rest = i64.ne(i64.and(lossy, restBits), i64.const(0));
  return i64.add(kept, roundingIncrement(kept, half, rest));
}

const scaling = [
  ...unsigned('vssrl', 0b101010, SHIFTS, (operands) => roundedShift(operands, operands.sew, 'shr_u')),
  ...signed('vssra', 0b101011, SHIFTS, (operands) => roundedShift(operands, operands.sew, 'shr_s')),
];

const clipUnsigned: ElementFunction = (operands) => {
  const { sew, let: keep, saturate } = operands;
  const value = keep(roundedShift(operands, 2 * sew, 'shr_u'));
  const largest = i64.const(2n ** BigInt(sew) - 1n);
  const overflows = keep(i64.gt_u(value, largest));
  saturate(overflows);
  return select(overflows, largest, value);
};
const clipSigned: ElementFunction = (operands) => {
  const { sew, let: keep, saturate } = operands;
  const value = keep(roundedShift(operands, 2 * sew, 'shr_s'));
  const overflows = keep(i64.ne(value, cutTo(value, sew)));
  saturate(overflows);
  const largest = i64.const(2n ** BigInt(sew - 1) - 1n);
  return select(overflows, i64.xor(i64.shr_s(value, i64.const(63)), largest), value);
};

/** The low bits of a value, sign-extended. */
function cutTo(value: I64, bits: number): I64 {
  const up = i64.const(64 - bits);
  return i64.shr_s(i64.shl(value, up), up);
}

const clipping = [
  ...elementsOf({ a: 1, signedA: false, suffix: wideSuffix })('vnclipu', 0b101110, SHIFTS, clipUnsigned),
  ...elementsOf({ a: 1, suffix: wideSuffix })('vnclip', 0b101111, SHIFTS, clipSigned),
];

/** "Vector Fixed-Point Arithmetic Instructions". */
export const fixedPointInstructions: readonly InstructionDefinition[] = [
  ...saturating,
  ...averaging,
  ...signed('vsmul', 0b100111, NO_IMMEDIATE, fractionalProduct),
  ...scaling,
  ...clipping,
];

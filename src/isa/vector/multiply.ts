import { type I64, i64, select } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { highProduct, ifNegative } from '../m.ts';
import { elementsOf, MULTIPLY_ADD, wideSuffix } from './elements.ts';
import type { ElementFunction, ElementOperands } from './shapes.ts';

const BOTH = ['vv', 'vx'] as const;

const signed = elementsOf({ kind: 'multiply' });
const unsigned = elementsOf({ kind: 'multiply', signedA: false, signedB: false });
const mixed = elementsOf({ kind: 'multiply', signedB: false });

/** Bits 2 × SEW - 1 to SEW of a product, of which either factor is signed or not. */
function upperHalf(
  { a, b, sew, let: name }: Pick<ElementOperands, 'a' | 'b' | 'sew' | 'let'>,
  signedA: boolean,
  signedB: boolean,
): I64 {
  if (sew < 64) return i64.shr_s(i64.mul(a, b), i64.const(sew));
  const product = highProduct({ let: name }, a, b);
  const high = signedA ? i64.sub(product, ifNegative(a, b)) : product;
  return signedB ? i64.sub(high, ifNegative(b, a)) : high;
}

const high =
  (signedA: boolean, signedB: boolean): ElementFunction =>
  (operands) =>
    upperHalf(operands, signedA, signedB);

const products = [
  ...unsigned('vmulhu', 0b100100, BOTH, high(false, false)),
  ...signed('vmul', 0b100101, BOTH, ({ a, b }) => i64.mul(a, b), 'mul'),
  ...mixed('vmulhsu', 0b100110, BOTH, high(true, false)),
  ...signed('vmulh', 0b100111, BOTH, high(true, true)),
];

/** WebAssembly traps on a divisor of 0: that is replaced by 1, and the result chosen. */
const unsignedDivision =
  (name: 'div_u' | 'rem_u'): ElementFunction =>
  ({ a, b }) => {
    const isZero = i64.eqz(b);
    const divisor = select(isZero, i64.const(1), b);
    return select(isZero, name === 'div_u' ? i64.const(-1) : a, i64[name](a, divisor));
  };

/** As it does where the quotient has no room, so that the divisors 0 and -1 are done by hand. */
const signedDivision =
  (name: 'div_s' | 'rem_s'): ElementFunction =>
  ({ a, b, let: keep }) => {
    const isSpecial = keep(i64.le_u(i64.add(b, i64.const(1)), i64.const(1)));
    const divisor = select(isSpecial, i64.const(1), b);
    const byZero = name === 'div_s' ? i64.const(-1) : a;
    const byMinusOne = name === 'div_s' ? i64.sub(i64.const(0), a) : i64.const(0);
    return select(isSpecial, select(i64.eqz(b), byZero, byMinusOne), i64[name](a, divisor));
  };

const divisions = [
  ...unsigned('vdivu', 0b100000, BOTH, unsignedDivision('div_u')),
  ...signed('vdiv', 0b100001, BOTH, signedDivision('div_s')),
  ...unsigned('vremu', 0b100010, BOTH, unsignedDivision('rem_u')),
  ...signed('vrem', 0b100011, BOTH, signedDivision('rem_s')),
];

const added = elementsOf({ kind: 'multiply', formats: MULTIPLY_ADD, readsD: true });
const multiplyAdd = [
  ...added('vmadd', 0b101001, BOTH, ({ a, b, d }) => i64.add(i64.mul(b, d), a), 'madd'),
  ...added('vnmsub', 0b101011, BOTH, ({ a, b, d }) => i64.sub(a, i64.mul(b, d)), 'nmsub'),
  ...added('vmacc', 0b101101, BOTH, ({ a, b, d }) => i64.add(i64.mul(b, a), d), 'macc'),
  ...added('vnmsac', 0b101111, BOTH, ({ a, b, d }) => i64.sub(d, i64.mul(b, a)), 'nmsac'),
];

/** Instructions whose result has elements of twice the width, by the signs of their operands. */
const wide = (signedA: boolean, signedB: boolean) => elementsOf({ kind: 'multiply', d: 1, signedA, signedB });
const wideFirst = (isSigned: boolean) =>
  elementsOf({ kind: 'multiply', d: 1, a: 1, signedA: isSigned, signedB: isSigned, suffix: wideSuffix });
const sum: ElementFunction = ({ a, b }) => i64.add(a, b);
const difference: ElementFunction = ({ a, b }) => i64.sub(a, b);
const product: ElementFunction = ({ a, b }) => i64.mul(a, b);
const widening = [
  ...wide(false, false)('vwaddu', 0b110000, BOTH, sum, 'add'),
  ...wide(true, true)('vwadd', 0b110001, BOTH, sum, 'add'),
  ...wide(false, false)('vwsubu', 0b110010, BOTH, difference, 'sub'),
  ...wide(true, true)('vwsub', 0b110011, BOTH, difference, 'sub'),
  ...wideFirst(false)('vwaddu', 0b110100, BOTH, sum, 'add'),
  ...wideFirst(true)('vwadd', 0b110101, BOTH, sum, 'add'),
  ...wideFirst(false)('vwsubu', 0b110110, BOTH, difference, 'sub'),
  ...wideFirst(true)('vwsub', 0b110111, BOTH, difference, 'sub'),
  ...wide(false, false)('vwmulu', 0b111000, BOTH, product, 'mul'),
  ...wide(true, false)('vwmulsu', 0b111010, BOTH, product, 'mul'),
  ...wide(true, true)('vwmul', 0b111011, BOTH, product, 'mul'),
];

const wideAdded = (signedA: boolean, signedB: boolean) =>
  elementsOf({ kind: 'multiply', formats: MULTIPLY_ADD, d: 1, signedA, signedB, readsD: true });
const accumulate: ElementFunction = ({ a, b, d }) => i64.add(i64.mul(b, a), d);
const wideningMultiplyAdd = [
  ...wideAdded(false, false)('vwmaccu', 0b111100, BOTH, accumulate, 'macc'),
  ...wideAdded(true, true)('vwmacc', 0b111101, BOTH, accumulate, 'macc'),
  ...wideAdded(true, false)('vwmaccus', 0b111110, ['vx'], accumulate, 'macc'),
  ...wideAdded(false, true)('vwmaccsu', 0b111111, BOTH, accumulate, 'macc'),
];

/** Products, quotients, and operations with results of twice the width. */
export const multiplyInstructions: readonly InstructionDefinition[] = [
  ...products,
  ...divisions,
  ...multiplyAdd,
  ...widening,
  ...wideningMultiplyAdd,
];

import { type I64, i64, select } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R } from './formats.ts';
import type { Semantics, SemanticsOf, Xlen } from './semantics.ts';
import { atWidth, binary, unsignedWord } from './words.ts';

const m = instructionsOf({ extension: 'm' });
const m64 = instructionsOf({ extension: 'm', xlen: 64 });

/** Bits 127:64 of the unsigned product, from four products of 32-bit halves; `a` and `b` are named values. */
export function highProduct(s: Pick<Semantics, 'let'>, a: I64, b: I64): I64 {
  const thirtyTwo = i64.const(32);
  const aLow = s.let(unsignedWord(a));
  const aHigh = s.let(i64.shr_u(a, thirtyTwo));
  const bLow = s.let(unsignedWord(b));
  const bHigh = s.let(i64.shr_u(b, thirtyTwo));
  // Neither sum can overflow: (2^32 - 1)^2 + 2^32 - 1 < 2^64.
  const middle = s.let(i64.add(i64.mul(aHigh, bLow), i64.shr_u(i64.mul(aLow, bLow), thirtyTwo)));
  const other = s.let(i64.add(i64.mul(aLow, bHigh), unsignedWord(middle)));
  return i64.add(i64.mul(aHigh, bHigh), i64.add(i64.shr_u(middle, thirtyTwo), i64.shr_u(other, thirtyTwo)));
}

/** `value` if `sign` is negative, else 0. */
export function ifNegative(sign: I64, value: I64): I64 {
  return i64.and(i64.shr_s(sign, i64.const(63)), value);
}

/** The upper half of a product of registers, each of them signed or not. */
function upperHalf(aSigned: boolean, bSigned: boolean): SemanticsOf {
  return (s, xlen) =>
    s.rd.set(xlen === 64 ? ofDoublewords(s, aSigned, bSigned) : ofWords(s, aSigned, bSigned));
}

function ofDoublewords(s: Semantics, aSigned: boolean, bSigned: boolean): I64 {
  const a = s.let(s.rs1);
  const b = s.let(s.rs2);
  const unsigned = highProduct(s, a, b);
  const high = aSigned ? i64.sub(unsigned, ifNegative(a, b)) : unsigned;
  return bSigned ? i64.sub(high, ifNegative(b, a)) : high;
}

function ofWords({ rs1, rs2 }: Semantics, aSigned: boolean, bSigned: boolean): I64 {
  const product = i64.mul(aSigned ? rs1 : unsignedWord(rs1), bSigned ? rs2 : unsignedWord(rs2));
  return i64.shr_s(product, i64.const(32));
}

/**
 * Signed division. WebAssembly traps on a divisor of 0 and on overflow, so that the divisors 0 and -1 are replaced
 * by 1 and their results (-1, and the negated dividend) selected.
 */
function div(s: Semantics, width: Xlen): void {
  const quotient = atWidth(width, (integers) => {
    const a = s.let(integers.take(s.rs1));
    const b = s.let(integers.take(s.rs2));
    const one = integers.const(1);
    const zeroOrMinusOne = s.let(integers.le_u(integers.add(b, one), one));
    const special = select(integers.eqz(b), integers.const(-1), integers.sub(integers.const(0), a));
    const divisor = select(zeroOrMinusOne, one, b);
    return integers.result(select(zeroOrMinusOne, special, integers.div_s(a, divisor)));
  });
  s.rd.set(quotient);
}

/**
 * Division operations for which only a divisor of 0 is special; the divisor 1 stands in for it. The quotient of a
 * division by 0 is -1, the remainder the dividend.
 */
function guarded(name: 'div_u' | 'rem_s' | 'rem_u'): (s: Semantics, width: Xlen) => void {
  return (s, width) => {
    const value = atWidth(width, (integers) => {
      const a = s.let(integers.take(s.rs1));
      const b = s.let(integers.take(s.rs2));
      const result = integers[name](a, select(integers.eqz(b), integers.const(1), b));
      const byZero = name === 'div_u' ? integers.const(-1) : a;
      return integers.result(select(integers.eqz(b), byZero, result));
    });
    s.rd.set(value);
  };
}

const divu = guarded('div_u');
const rem = guarded('rem_s');
const remu = guarded('rem_u');

/** M (unprivileged specification, chapter "M"; results of division by zero and overflow are in its table). */
export const mInstructions: readonly InstructionDefinition[] = [
  m('mul', R, 0x0200_0033, ({ rd, rs1, rs2 }) => rd.set(i64.mul(rs1, rs2))),
  m('mulh', R, 0x0200_1033, upperHalf(true, true)),
  m('mulhsu', R, 0x0200_2033, upperHalf(true, false)),
  m('mulhu', R, 0x0200_3033, upperHalf(false, false)),
  m('div', R, 0x0200_4033, div),
  m('divu', R, 0x0200_5033, divu),
  m('rem', R, 0x0200_6033, rem),
  m('remu', R, 0x0200_7033, remu),
  m64('mulw', R, 0x0200_003b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'mul', rs1, rs2))),
  m64('divw', R, 0x0200_403b, (s) => div(s, 32)),
  m64('divuw', R, 0x0200_503b, (s) => divu(s, 32)),
  m64('remw', R, 0x0200_603b, (s) => rem(s, 32)),
  m64('remuw', R, 0x0200_703b, (s) => remu(s, 32)),
];

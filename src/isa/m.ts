import { type I64, i32, i64, select } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R } from './formats.ts';
import type { Semantics } from './semantics.ts';
import { unsignedWord, word, wordResult } from './words.ts';

const m = instructionsOf({ extension: 'm' });
const m64 = instructionsOf({ extension: 'm', xlen: 64 });

/** Bits 127:64 of the unsigned product, from four products of 32-bit halves; `a` and `b` are named values. */
function highProduct(s: Semantics, a: I64, b: I64): I64 {
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
function ifNegative(sign: I64, value: I64): I64 {
  return i64.and(i64.shr_s(sign, i64.const(63)), value);
}

function mulh(s: Semantics): void {
  const a = s.let(s.rs1);
  const b = s.let(s.rs2);
  const high = highProduct(s, a, b);
  s.rd.set(i64.sub(i64.sub(high, ifNegative(a, b)), ifNegative(b, a)));
}

function mulhsu(s: Semantics): void {
  const a = s.let(s.rs1);
  const b = s.let(s.rs2);
  s.rd.set(i64.sub(highProduct(s, a, b), ifNegative(a, b)));
}

function mulhu(s: Semantics): void {
  const a = s.let(s.rs1);
  const b = s.let(s.rs2);
  s.rd.set(highProduct(s, a, b));
}

/**
 * Signed division. WebAssembly traps on a divisor of 0 and on overflow, so that the divisors 0 and -1 are replaced
 * by 1 and their results (-1, and the negated dividend) selected.
 */
function div(s: Semantics): void {
  const a = s.let(s.rs1);
  const b = s.let(s.rs2);
  const one = i64.const(1);
  const zeroOrMinusOne = s.let(i64.le_u(i64.add(b, one), one));
  const special = select(i64.eqz(b), i64.const(-1), i64.sub(i64.const(0), a));
  s.rd.set(select(zeroOrMinusOne, special, i64.div_s(a, select(zeroOrMinusOne, one, b))));
}

function divw(s: Semantics): void {
  const a = s.let(word(s.rs1));
  const b = s.let(word(s.rs2));
  const one = i32.const(1);
  const zeroOrMinusOne = s.let(i32.le_u(i32.add(b, one), one));
  const special = select(i32.eqz(b), i32.const(-1), i32.sub(i32.const(0), a));
  s.rd.set(wordResult(select(zeroOrMinusOne, special, i32.div_s(a, select(zeroOrMinusOne, one, b)))));
}

/** Division operations for which only a divisor of 0 is special; the divisor 1 stands in for it. */
function guarded(operate: (a: I64, b: I64) => I64, byZero: (a: I64) => I64): (s: Semantics) => void {
  return (s) => {
    const a = s.let(s.rs1);
    const b = s.let(s.rs2);
    const result = operate(a, select(i64.eqz(b), i64.const(1), b));
    s.rd.set(select(i64.eqz(b), byZero(a), result));
  };
}

/** As {@link guarded}, on words. */
function guardedWord(name: 'div_u' | 'rem_s' | 'rem_u'): (s: Semantics) => void {
  return (s) => {
    const a = s.let(word(s.rs1));
    const b = s.let(word(s.rs2));
    const result = i32[name](a, select(i32.eqz(b), i32.const(1), b));
    s.rd.set(wordResult(select(i32.eqz(b), name === 'div_u' ? i32.const(-1) : a, result)));
  };
}

/** M (unprivileged specification, chapter "M"; results of division by zero and overflow are in its table). */
export const mInstructions: readonly InstructionDefinition[] = [
  m('mul', R, 0x0200_0033, ({ rd, rs1, rs2 }) => rd.set(i64.mul(rs1, rs2))),
  m('mulh', R, 0x0200_1033, mulh),
  m('mulhsu', R, 0x0200_2033, mulhsu),
  m('mulhu', R, 0x0200_3033, mulhu),
  m('div', R, 0x0200_4033, div),
  m(
    'divu',
    R,
    0x0200_5033,
    guarded(i64.div_u, () => i64.const(-1)),
  ),
  m(
    'rem',
    R,
    0x0200_6033,
    guarded(i64.rem_s, (a) => a),
  ),
  m(
    'remu',
    R,
    0x0200_7033,
    guarded(i64.rem_u, (a) => a),
  ),
  m64('mulw', R, 0x0200_003b, ({ rd, rs1, rs2 }) => rd.set(wordResult(i32.mul(word(rs1), word(rs2))))),
  m64('divw', R, 0x0200_403b, divw),
  m64('divuw', R, 0x0200_503b, guardedWord('div_u')),
  m64('remw', R, 0x0200_603b, guardedWord('rem_s')),
  m64('remuw', R, 0x0200_703b, guardedWord('rem_u')),
];

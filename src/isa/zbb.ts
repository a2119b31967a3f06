import { type I64, i64, select } from '../wasm/index.ts';
import { encodedByWidth, type InstructionDefinition, instructionsOf, shiftsOf } from './define.ts';
import { R, SHIFT_WORD, UNARY } from './formats.ts';
import type { Semantics, Xlen } from './semantics.ts';
import { binary, reverseBytes, unary } from './words.ts';

const zbb = instructionsOf({ extension: 'zbb' });
const zbb64 = instructionsOf({ extension: 'zbb', xlen: 64 });
const zbbByWidth = encodedByWidth({ extension: 'zbb' });
// Those that cryptography uses are part of Zbkb, too.
const shared = instructionsOf({ extension: 'zbb', alsoIn: 'zbkb' });
const shared64 = instructionsOf({ extension: 'zbb', alsoIn: 'zbkb', xlen: 64 });
const sharedByWidth = encodedByWidth({ extension: 'zbb', alsoIn: 'zbkb' });
const shift = shiftsOf({ extension: 'zbb', alsoIn: 'zbkb' });

const not = (value: I64): I64 => i64.xor(value, i64.const(-1));

function choose(compare: 'gt_s' | 'gt_u' | 'lt_s' | 'lt_u'): (s: Semantics) => void {
  return ({ rd, rs1, rs2 }) => rd.set(select(i64[compare](rs1, rs2), rs1, rs2));
}

/** Each byte that is not 0 becomes 0xff: bit 7 of each such byte is found without carries between bytes. */
function orCombineBytes(s: Semantics): void {
  const value = s.let(s.rs1);
  const low = i64.const(0x7f7f_7f7f_7f7f_7f7fn);
  const top = i64.and(
    i64.or(i64.add(i64.and(value, low), low), value),
    i64.const(BigInt.asIntN(64, 0x8080_8080_8080_8080n)),
  );
  s.rd.set(i64.mul(i64.shr_u(top, i64.const(7)), i64.const(0xff)));
}

function reverse(s: Semantics, xlen: Xlen): void {
  s.rd.set(reverseBytes(s, s.rs1, xlen));
}

const logic: readonly InstructionDefinition[] = [
  shared('andn', R, 0x4000_7033, ({ rd, rs1, rs2 }) => rd.set(i64.and(rs1, not(rs2)))),
  shared('orn', R, 0x4000_6033, ({ rd, rs1, rs2 }) => rd.set(i64.or(rs1, not(rs2)))),
  shared('xnor', R, 0x4000_4033, ({ rd, rs1, rs2 }) => rd.set(not(i64.xor(rs1, rs2)))),
  zbb('max', R, 0x0a00_6033, choose('gt_s')),
  zbb('maxu', R, 0x0a00_7033, choose('gt_u')),
  zbb('min', R, 0x0a00_4033, choose('lt_s')),
  zbb('minu', R, 0x0a00_5033, choose('lt_u')),
];

const counts: readonly InstructionDefinition[] = [
  zbb('clz', UNARY, 0x6000_1013, ({ rd, rs1 }, xlen) => rd.set(unary(xlen, 'clz', rs1))),
  zbb('ctz', UNARY, 0x6010_1013, ({ rd, rs1 }, xlen) => rd.set(unary(xlen, 'ctz', rs1))),
  zbb('cpop', UNARY, 0x6020_1013, ({ rd, rs1 }, xlen) => rd.set(unary(xlen, 'popcnt', rs1))),
  zbb64('clzw', UNARY, 0x6000_101b, ({ rd, rs1 }) => rd.set(unary(32, 'clz', rs1))),
  zbb64('ctzw', UNARY, 0x6010_101b, ({ rd, rs1 }) => rd.set(unary(32, 'ctz', rs1))),
  zbb64('cpopw', UNARY, 0x6020_101b, ({ rd, rs1 }) => rd.set(unary(32, 'popcnt', rs1))),
];

const rotations: readonly InstructionDefinition[] = [
  shared('rol', R, 0x6000_1033, ({ rd, rs1, rs2 }, xlen) => rd.set(binary(xlen, 'rotl', rs1, rs2))),
  shared('ror', R, 0x6000_5033, ({ rd, rs1, rs2 }, xlen) => rd.set(binary(xlen, 'rotr', rs1, rs2))),
  ...shift('rori', 0x6000_5013, ({ rd, rs1, imm }, xlen) => rd.set(binary(xlen, 'rotr', rs1, imm))),
  shared64('rolw', R, 0x6000_103b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'rotl', rs1, rs2))),
  shared64('rorw', R, 0x6000_503b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'rotr', rs1, rs2))),
  shared64('roriw', SHIFT_WORD, 0x6000_501b, ({ rd, rs1, imm }) => rd.set(binary(32, 'rotr', rs1, imm))),
];

const bytes: readonly InstructionDefinition[] = [
  zbb('sext.b', UNARY, 0x6040_1013, ({ rd, rs1 }) => rd.set(i64.extend8_s(rs1))),
  zbb('sext.h', UNARY, 0x6050_1013, ({ rd, rs1 }) => rd.set(i64.extend16_s(rs1))),
  ...zbbByWidth('zext.h', { 32: [UNARY, 0x0800_4033], 64: [UNARY, 0x0800_403b] }, ({ rd, rs1 }) =>
    rd.set(i64.and(rs1, i64.const(0xffff))),
  ),
  zbb('orc.b', UNARY, 0x2870_5013, orCombineBytes),
  ...sharedByWidth('rev8', { 32: [UNARY, 0x6980_5013], 64: [UNARY, 0x6b80_5013] }, reverse),
];

/** Zbb: basic bit manipulation. */
export const zbbInstructions = [...logic, ...counts, ...rotations, ...bytes];

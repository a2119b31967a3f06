import { type I64, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf, shiftsOf } from './define.ts';
import { R } from './formats.ts';

const zbs = instructionsOf({ extension: 'zbs' });
const immediate = shiftsOf('zbs');

/** The bit with the given number, modulo 64. */
const bit = (index: I64): I64 => i64.shl(i64.const(1), index);
const clear = (value: I64, index: I64): I64 => i64.and(value, i64.xor(bit(index), i64.const(-1)));
const extract = (value: I64, index: I64): I64 => i64.and(i64.shr_u(value, index), i64.const(1));

/** Zbs: single bits. */
export const zbsInstructions: readonly InstructionDefinition[] = [
  zbs('bclr', R, 0x4800_1033, ({ rd, rs1, rs2 }) => rd.set(clear(rs1, rs2))),
  ...immediate('bclri', 0x4800_1013, ({ rd, rs1, imm }) => rd.set(clear(rs1, imm))),
  zbs('bext', R, 0x4800_5033, ({ rd, rs1, rs2 }) => rd.set(extract(rs1, rs2))),
  ...immediate('bexti', 0x4800_5013, ({ rd, rs1, imm }) => rd.set(extract(rs1, imm))),
  zbs('binv', R, 0x6800_1033, ({ rd, rs1, rs2 }) => rd.set(i64.xor(rs1, bit(rs2)))),
  ...immediate('binvi', 0x6800_1013, ({ rd, rs1, imm }) => rd.set(i64.xor(rs1, bit(imm)))),
  zbs('bset', R, 0x2800_1033, ({ rd, rs1, rs2 }) => rd.set(i64.or(rs1, bit(rs2)))),
  ...immediate('bseti', 0x2800_1013, ({ rd, rs1, imm }) => rd.set(i64.or(rs1, bit(imm)))),
];

import { type I64, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf, shiftsOf } from './define.ts';
import { R } from './formats.ts';
import type { Xlen } from './semantics.ts';
import { binary } from './words.ts';

const zbs = instructionsOf({ extension: 'zbs' });
const immediate = shiftsOf({ extension: 'zbs' });

/** The bit with the given number, modulo XLEN. */
const bit = (xlen: Xlen, index: I64): I64 => binary(xlen, 'shl', i64.const(1), index);
const clear = (xlen: Xlen, value: I64, index: I64): I64 =>
  i64.and(value, i64.xor(bit(xlen, index), i64.const(-1)));
const extract = (xlen: Xlen, value: I64, index: I64): I64 =>
  i64.and(binary(xlen, 'shr_u', value, index), i64.const(1));

/** Zbs: single bits. */
export const zbsInstructions: readonly InstructionDefinition[] = [
  zbs('bclr', R, 0x4800_1033, ({ rd, rs1, rs2 }, xlen) => rd.set(clear(xlen, rs1, rs2))),
  ...immediate('bclri', 0x4800_1013, ({ rd, rs1, imm }, xlen) => rd.set(clear(xlen, rs1, imm))),
  zbs('bext', R, 0x4800_5033, ({ rd, rs1, rs2 }, xlen) => rd.set(extract(xlen, rs1, rs2))),
  ...immediate('bexti', 0x4800_5013, ({ rd, rs1, imm }, xlen) => rd.set(extract(xlen, rs1, imm))),
  zbs('binv', R, 0x6800_1033, ({ rd, rs1, rs2 }, xlen) => rd.set(i64.xor(rs1, bit(xlen, rs2)))),
  ...immediate('binvi', 0x6800_1013, ({ rd, rs1, imm }, xlen) => rd.set(i64.xor(rs1, bit(xlen, imm)))),
  zbs('bset', R, 0x2800_1033, ({ rd, rs1, rs2 }, xlen) => rd.set(i64.or(rs1, bit(xlen, rs2)))),
  ...immediate('bseti', 0x2800_1013, ({ rd, rs1, imm }, xlen) => rd.set(i64.or(rs1, bit(xlen, imm)))),
];

import { i64, select } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R } from './formats.ts';

const zicond = instructionsOf({ extension: 'zicond' });
const zero = i64.const(0);

/** Zicond: rs1, or 0 where rs2 is 0 or is not. */
export const zicondInstructions: readonly InstructionDefinition[] = [
  zicond('czero.eqz', R, 0x0e00_5033, ({ rd, rs1, rs2 }) => rd.set(select(i64.eqz(rs2), zero, rs1))),
  zicond('czero.nez', R, 0x0e00_7033, ({ rd, rs1, rs2 }) => rd.set(select(i64.eqz(rs2), rs1, zero))),
];

import { i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R, SHIFT } from './formats.ts';
import { unsignedWord } from './words.ts';

const zba = instructionsOf({ extension: 'zba' });
const zba64 = instructionsOf({ extension: 'zba', xlen: 64 });

/** Zba: address generation. */
export const zbaInstructions: readonly InstructionDefinition[] = [
  ...[1, 2, 3].flatMap((shift) => [
    zba(`sh${shift}add`, R, 0x2000_0033 | (shift << 13), ({ rd, rs1, rs2 }) =>
      rd.set(i64.add(i64.shl(rs1, i64.const(shift)), rs2)),
    ),
    zba64(`sh${shift}add.uw`, R, 0x2000_003b | (shift << 13), ({ rd, rs1, rs2 }) =>
      rd.set(i64.add(i64.shl(unsignedWord(rs1), i64.const(shift)), rs2)),
    ),
  ]),
  zba64('add.uw', R, 0x0800_003b, ({ rd, rs1, rs2 }) => rd.set(i64.add(unsignedWord(rs1), rs2))),
  zba64('slli.uw', SHIFT, 0x0800_101b, ({ rd, rs1, imm }) => rd.set(i64.shl(unsignedWord(rs1), imm))),
];

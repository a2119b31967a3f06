import { type InstructionDefinition, instructionsOf } from './define.ts';
import { ATOMIC, LOAD_RESERVED } from './formats.ts';
import type { AmoOperation } from './semantics.ts';

const a = instructionsOf({ extension: 'a' });
const a64 = instructionsOf({ extension: 'a', xlen: 64 });

/** Operations and bits 31:27 of their encodings. */
const OPERATIONS: Readonly<Record<AmoOperation, number>> = {
  swap: 0x01,
  add: 0x00,
  xor: 0x04,
  and: 0x0c,
  or: 0x08,
  min: 0x10,
  max: 0x14,
  minu: 0x18,
  maxu: 0x1c,
};

const isOperation = (name: string): name is AmoOperation => name in OPERATIONS;

const amos = Object.keys(OPERATIONS)
  .filter(isOperation)
  .flatMap((operation) => {
    const match = OPERATIONS[operation] << 27;
    return [
      a(`amo${operation}.w`, ATOMIC, match | 0x0000_202f, ({ rd, rs1, rs2, memory }) =>
        rd.set(memory.amo(operation, 32, rs1, rs2)),
      ),
      a64(`amo${operation}.d`, ATOMIC, match | 0x0000_302f, ({ rd, rs1, rs2, memory }) =>
        rd.set(memory.amo(operation, 64, rs1, rs2)),
      ),
    ];
  });

/**
 * A (unprivileged specification, chapter "A"). The aq and rl bits do not matter to the semantics: every atomic access
 * is sequentially consistent.
 */
export const aInstructions: readonly InstructionDefinition[] = [
  a('lr.w', LOAD_RESERVED, 0x1000_202f, ({ rd, rs1, memory }) => rd.set(memory.loadReserved(32, rs1))),
  a64('lr.d', LOAD_RESERVED, 0x1000_302f, ({ rd, rs1, memory }) => rd.set(memory.loadReserved(64, rs1))),
  a('sc.w', ATOMIC, 0x1800_202f, ({ rd, rs1, rs2, memory }) => rd.set(memory.storeConditional(32, rs1, rs2))),
  a64('sc.d', ATOMIC, 0x1800_302f, ({ rd, rs1, rs2, memory }) =>
    rd.set(memory.storeConditional(64, rs1, rs2)),
  ),
  ...amos,
];

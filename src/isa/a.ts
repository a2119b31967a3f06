import { bySystem, type Define, type InstructionDefinition, instructionsOf } from './define.ts';
import { ATOMIC, ATOMIC_PAIR, LOAD_RESERVED } from './formats.ts';
import type { AmoOperation, AmoWidth } from './semantics.ts';

const a = instructionsOf({ extension: 'a' });
const a64 = instructionsOf({ extension: 'a', xlen: 64 });
const zabha = instructionsOf({ extension: 'zabha' });
const zabhaAndZacas = instructionsOf({ extension: 'zabha', alsoNeeds: 'zacas' });
const zacas = instructionsOf({ extension: 'zacas' });
const zacas32 = instructionsOf({ extension: 'zacas', xlen: 32 });
const zacas64 = instructionsOf({ extension: 'zacas', xlen: 64 });

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

/** Mnemonics and funct3 by width. */
const WIDTHS = { 8: ['b', 0], 16: ['h', 1], 32: ['w', 2], 64: ['d', 3] } as const;

/** All operations on a width. */
function operationsOn(width: AmoWidth, define: Define): readonly InstructionDefinition[] {
  const [suffix, funct3] = WIDTHS[width];
  return Object.keys(OPERATIONS)
    .filter(isOperation)
    .map((operation) => {
      const match = (OPERATIONS[operation] << 27) | (funct3 << 12) | 0x2f;
      return define(`amo${operation}.${suffix}`, ATOMIC, match, ({ rd, rs1, rs2, memory }) =>
        rd.set(memory.amo(operation, width, rs1, rs2)),
      );
    });
}

/** Compare-and-swap of one register: the expected value is in rd. */
const compareAndSwap = (width: AmoWidth, define: Define): InstructionDefinition => {
  const [suffix, funct3] = WIDTHS[width];
  return define(`amocas.${suffix}`, ATOMIC, 0x2800_002f | (funct3 << 12), ({ rd, rs1, rs2, memory }) =>
    rd.set(memory.compareExchange(width, rs1, rd.value, rs2)),
  );
};

/** Zacas; on register pairs the hart carries it out itself. */
export const zacasInstructions: readonly InstructionDefinition[] = [
  compareAndSwap(8, zabhaAndZacas),
  compareAndSwap(16, zabhaAndZacas),
  compareAndSwap(32, zacas),
  compareAndSwap(64, zacas64),
  zacas32('amocas.d', ATOMIC_PAIR, 0x2800_302f, bySystem),
  zacas64('amocas.q', ATOMIC_PAIR, 0x2800_402f, bySystem),
];

/** Zabha. */
export const zabhaInstructions: readonly InstructionDefinition[] = [
  ...operationsOn(8, zabha),
  ...operationsOn(16, zabha),
];

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
  ...operationsOn(32, a),
  ...operationsOn(64, a64),
];

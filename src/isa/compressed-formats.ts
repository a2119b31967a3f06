import { type Format, fieldsOf, never, type OperandSyntax, type RegisterField } from './formats.ts';
import { always, type Immediate, noImmediate, scattered } from './immediates.ts';

/** Where a compressed encoding has a register: 5 bits, 3 bits for x8 to x15, or nowhere because it is implied. */
interface RegisterSource {
  decode(bits: number): number;
  encode(register: number): number;
}

const wide = (low: number): RegisterSource => ({
  decode: (bits) => (bits >>> low) & 0x1f,
  encode: (register) => register << low,
});

const narrow = (low: number): RegisterSource => ({
  decode: (bits) => 8 + ((bits >>> low) & 7),
  encode: (register) => (register & 7) << low,
});

const implied = (register: number): RegisterSource => ({ decode: () => register, encode: () => 0 });

const ZERO = implied(0);
const RA = implied(1);
const SP = implied(2);

interface CompressedParts {
  readonly syntax: readonly OperandSyntax[];
  readonly floats?: readonly RegisterField[];
  readonly rd?: RegisterSource;
  readonly rs1?: RegisterSource;
  readonly rs2?: RegisterSource;
  readonly immediate?: Immediate;
}

/** A format whose operands are those of the instruction that the encoding expands to. */
function compressed(name: string, mask: number, parts: CompressedParts): Format {
  const { syntax, floats, rd = ZERO, rs1 = ZERO, rs2 = ZERO, immediate = noImmediate } = parts;
  return {
    name,
    mask,
    syntax,
    ...fieldsOf(syntax, floats),
    immediate,
    isReserved: never,
    decode: (bits) => ({
      rd: rd.decode(bits),
      rs1: rs1.decode(bits),
      rs2: rs2.decode(bits),
      rs3: 0,
      imm: immediate.decode(bits),
      csr: 0,
      rm: 0,
    }),
    encode: (operands) =>
      rd.encode(operands.rd) |
      rs1.encode(operands.rs1) |
      rs2.encode(operands.rs2) |
      immediate.encode(operands.imm),
  };
}

// Immediates (unprivileged specification, chapter "C", the encoding tables of each instruction).
const SIX_BITS = scattered(
  [
    [12, 12, 5],
    [6, 2, 0],
  ],
  5,
);
const UPPER = scattered(
  [
    [12, 12, 17],
    [6, 2, 12],
  ],
  17,
);
const AMOUNT = scattered([
  [12, 12, 5],
  [6, 2, 0],
]);
const WORD_AMOUNT = scattered([[6, 2, 0]]);
const STACK_ADJUST = scattered(
  [
    [12, 12, 9],
    [6, 6, 4],
    [5, 5, 6],
    [4, 3, 7],
    [2, 2, 5],
  ],
  9,
);
const STACK_ADDRESS = scattered([
  [12, 11, 4],
  [10, 7, 6],
  [6, 6, 2],
  [5, 5, 3],
]);
const BYTE_OFFSET = scattered([
  [6, 6, 0],
  [5, 5, 1],
]);
const HALF_OFFSET = scattered([[5, 5, 1]]);
const WORD_OFFSET = scattered([
  [12, 10, 3],
  [6, 6, 2],
  [5, 5, 6],
]);
const DOUBLE_OFFSET = scattered([
  [12, 10, 3],
  [6, 5, 6],
]);
const WORD_LOAD_SP = scattered([
  [12, 12, 5],
  [6, 4, 2],
  [3, 2, 6],
]);
const DOUBLE_LOAD_SP = scattered([
  [12, 12, 5],
  [6, 5, 3],
  [4, 2, 6],
]);
const WORD_STORE_SP = scattered([
  [12, 9, 2],
  [8, 7, 6],
]);
const DOUBLE_STORE_SP = scattered([
  [12, 10, 3],
  [9, 7, 6],
]);
const JUMP = scattered(
  [
    [12, 12, 11],
    [11, 11, 4],
    [10, 9, 8],
    [8, 8, 10],
    [7, 7, 6],
    [6, 6, 7],
    [5, 3, 1],
    [2, 2, 5],
  ],
  11,
);
const CONDITIONAL = scattered(
  [
    [12, 12, 8],
    [11, 10, 3],
    [6, 5, 6],
    [4, 3, 1],
    [2, 2, 5],
  ],
  8,
);

export const C_ADDI4SPN = compressed('CIW', 0xe003, {
  syntax: ['rd', 'rs1', 'imm'],
  rd: narrow(2),
  rs1: SP,
  immediate: STACK_ADDRESS,
});

function load(name: string, rd: RegisterSource, rs1: RegisterSource, immediate: Immediate, float = false) {
  return compressed(name, 0xe003, {
    syntax: ['rd', 'imm(rs1)'],
    floats: float ? ['rd'] : [],
    rd,
    rs1,
    immediate,
  });
}

function store(name: string, rs2: RegisterSource, rs1: RegisterSource, immediate: Immediate, float = false) {
  return compressed(name, 0xe003, {
    syntax: ['rs2', 'imm(rs1)'],
    floats: float ? ['rs2'] : [],
    rs1,
    rs2,
    immediate,
  });
}

const narrowAccess = (
  name: string,
  mask: number,
  parts: Pick<CompressedParts, 'syntax' | 'rd' | 'rs2'>,
  immediate: Immediate,
) => compressed(name, mask, { rs1: narrow(7), ...parts, immediate });

export const C_LBU = narrowAccess('CLB', 0xfc03, { syntax: ['rd', 'imm(rs1)'], rd: narrow(2) }, BYTE_OFFSET);
export const C_LH = narrowAccess('CLH', 0xfc43, { syntax: ['rd', 'imm(rs1)'], rd: narrow(2) }, HALF_OFFSET);
export const C_SB = narrowAccess('CSB', 0xfc03, { syntax: ['rs2', 'imm(rs1)'], rs2: narrow(2) }, BYTE_OFFSET);
export const C_SH = narrowAccess('CSH', 0xfc43, { syntax: ['rs2', 'imm(rs1)'], rs2: narrow(2) }, HALF_OFFSET);
export const C_LW = load('CL.w', narrow(2), narrow(7), WORD_OFFSET);
export const C_LD = load('CL.d', narrow(2), narrow(7), DOUBLE_OFFSET);
export const C_FLD = load('CL.fd', narrow(2), narrow(7), DOUBLE_OFFSET, true);
export const C_FLW = load('CL.fw', narrow(2), narrow(7), WORD_OFFSET, true);
export const C_SW = store('CS.w', narrow(2), narrow(7), WORD_OFFSET);
export const C_SD = store('CS.d', narrow(2), narrow(7), DOUBLE_OFFSET);
export const C_FSD = store('CS.fd', narrow(2), narrow(7), DOUBLE_OFFSET, true);
export const C_FSW = store('CS.fw', narrow(2), narrow(7), WORD_OFFSET, true);
export const C_LWSP = load('CI.lwsp', wide(7), SP, WORD_LOAD_SP);
export const C_LDSP = load('CI.ldsp', wide(7), SP, DOUBLE_LOAD_SP);
export const C_FLDSP = load('CI.fldsp', wide(7), SP, DOUBLE_LOAD_SP, true);
export const C_FLWSP = load('CI.flwsp', wide(7), SP, WORD_LOAD_SP, true);
export const C_SWSP = store('CSS.w', wide(2), SP, WORD_STORE_SP);
export const C_SDSP = store('CSS.d', wide(2), SP, DOUBLE_STORE_SP);
export const C_FSDSP = store('CSS.fd', wide(2), SP, DOUBLE_STORE_SP, true);
export const C_FSWSP = store('CSS.fw', wide(2), SP, WORD_STORE_SP, true);

/** rd is source and destination. */
export const C_ADDI = compressed('CI', 0xe003, {
  syntax: ['rd', 'imm'],
  rd: wide(7),
  rs1: wide(7),
  immediate: SIX_BITS,
});
export const C_LI = compressed('CI.li', 0xe003, { syntax: ['rd', 'imm'], rd: wide(7), immediate: SIX_BITS });
export const C_LUI = compressed('CI.lui', 0xe003, { syntax: ['rd', 'upper'], rd: wide(7), immediate: UPPER });
export const C_ADDI16SP = compressed('CI.addi16sp', 0xef83, {
  syntax: ['rd', 'imm'],
  rd: SP,
  rs1: SP,
  immediate: STACK_ADJUST,
});
export const C_SLLI = compressed('CI.slli', 0xe003, {
  syntax: ['rd', 'shift'],
  rd: wide(7),
  rs1: wide(7),
  immediate: AMOUNT,
});
export const C_SHIFT = compressed('CB.shift', 0xec03, {
  syntax: ['rd', 'shift'],
  rd: narrow(7),
  rs1: narrow(7),
  immediate: AMOUNT,
});
/** Shifts of RV32: an amount of 32 and more is reserved. */
export const C_SLLI_WORD = compressed('CI.slli-word', 0xf003, {
  syntax: ['rd', 'shift'],
  rd: wide(7),
  rs1: wide(7),
  immediate: WORD_AMOUNT,
});
export const C_SHIFT_WORD = compressed('CB.shift-word', 0xfc03, {
  syntax: ['rd', 'shift'],
  rd: narrow(7),
  rs1: narrow(7),
  immediate: WORD_AMOUNT,
});
/** Shifts by 0. */
export const C_SLLI_0 = compressed('CI.slli64', 0xf07f, { syntax: ['rd'], rd: wide(7), rs1: wide(7) });
export const C_SHIFT_0 = compressed('CB.shift64', 0xfc7f, { syntax: ['rd'], rd: narrow(7), rs1: narrow(7) });
export const C_ANDI = compressed('CB.andi', 0xec03, {
  syntax: ['rd', 'imm'],
  rd: narrow(7),
  rs1: narrow(7),
  immediate: SIX_BITS,
});
export const C_ARITHMETIC = compressed('CA', 0xfc63, {
  syntax: ['rd', 'rs2'],
  rd: narrow(7),
  rs1: narrow(7),
  rs2: narrow(2),
});
/** One register as source and destination. */
export const C_UNARY = compressed('CU', 0xfc7f, { syntax: ['rd'], rd: narrow(7), rs1: narrow(7) });
/** The same with an immediate that is not in the encoding. */
export const C_ZEXT_B = compressed('CU.zext.b', 0xfc7f, {
  syntax: ['rd'],
  rd: narrow(7),
  rs1: narrow(7),
  immediate: always(0xff),
});
export const C_NOT = compressed('CU.not', 0xfc7f, {
  syntax: ['rd'],
  rd: narrow(7),
  rs1: narrow(7),
  immediate: always(-1),
});
export const C_NONE = compressed('CN', 0xffff, { syntax: [] });
export const C_MV = compressed('CR.mv', 0xf003, { syntax: ['rd', 'rs2'], rd: wide(7), rs2: wide(2) });
export const C_ADD = compressed('CR.add', 0xf003, {
  syntax: ['rd', 'rs2'],
  rd: wide(7),
  rs1: wide(7),
  rs2: wide(2),
});
export const C_JR = compressed('CR.jr', 0xf07f, { syntax: ['rs1'], rs1: wide(7) });
export const C_JALR = compressed('CR.jalr', 0xf07f, { syntax: ['rs1'], rd: RA, rs1: wide(7) });
export const C_EBREAK = compressed('CR.ebreak', 0xffff, { syntax: [] });
export const C_J = compressed('CJ', 0xe003, { syntax: ['target'], immediate: JUMP });
export const C_JAL = compressed('CJ.jal', 0xe003, { syntax: ['target'], rd: RA, immediate: JUMP });
export const C_BRANCH = compressed('CB.branch', 0xe003, {
  syntax: ['rs1', 'target'],
  rs1: narrow(7),
  immediate: CONDITIONAL,
});

import {
  type Immediate,
  immediateB,
  immediateI,
  immediateJ,
  immediatePrefetch,
  immediateS,
  immediateU,
  noImmediate,
  unsignedAt,
} from './immediates.ts';
import type { Operands } from './operands.ts';

/**
 * Operands that an encoding can hold. `ordering` (aq and rl of atomics) and `vm` (1: a vector instruction is not
 * masked) are decoded into `Operands.rm`, and `avl` (the number of elements of `vsetivli`) into `Operands.rs1`.
 */
export type Field = 'rd' | 'rs1' | 'rs2' | 'rs3' | 'imm' | 'csr' | 'rm' | 'ordering' | 'vm' | 'avl';

/** Register operands. */
export type RegisterField = 'rd' | 'rs1' | 'rs2' | 'rs3';

/** Integer, floating-point or vector registers. */
export type RegisterClass = 'x' | 'f' | 'v';

/**
 * One operand in assembler: a register; a number (`imm`, `upper` = bits 31:12 in hexadecimal, `shift` = an amount in
 * hexadecimal, `literal` = a constant of `fli`); the rounding mode that is no choice (`rtz`); a jump target relative to
 * the pc; a CSR; a rounding mode; an address; one of the sets of `fence`; of vector instructions the mask (`vm`, left
 * out where there is none), the register `v0`, a number of elements, a type.
 */
export type OperandSyntax =
  | RegisterField
  | 'imm'
  | 'shift'
  | 'upper'
  | 'literal'
  | 'rtz'
  | 'target'
  | 'csr'
  | 'rm'
  | 'imm(rs1)'
  | '(rs1)'
  | 'predecessor'
  | 'successor'
  | 'vm'
  | 'v0'
  | 'avl'
  | 'vtype';

/** Operand layout of an encoding. */
export interface Format {
  readonly name: string;
  /** Bits that tell instructions of this format apart; all others belong to operands. */
  readonly mask: number;
  /** Operands in the order of the assembler. */
  readonly syntax: readonly OperandSyntax[];
  /** Operands that the encoding holds; the others decode to 0. */
  readonly fields: ReadonlySet<Field>;
  /** The register file of each register operand; undefined where there is none. */
  readonly registers: Readonly<Partial<Record<RegisterField, RegisterClass>>>;
  readonly immediate: Immediate;
  /** Operands that the encoding could hold, but that are reserved. */
  readonly isReserved: (operands: Operands) => boolean;
  /** @param bits the encoding; bits that are not operands are ignored */
  decode(bits: number): Operands;
  /** The operand bits, to be combined with `match`; unsigned. Operands must be in range. */
  encode(operands: Operands): number;
}

const FIELDS_OF: Readonly<Record<OperandSyntax, readonly Field[]>> = {
  rd: ['rd'],
  rs1: ['rs1'],
  rs2: ['rs2'],
  rs3: ['rs3'],
  imm: ['imm'],
  shift: ['imm'],
  upper: ['imm'],
  literal: ['imm'],
  rtz: [],
  target: ['imm'],
  csr: ['csr'],
  rm: ['rm'],
  'imm(rs1)': ['imm', 'rs1'],
  '(rs1)': ['rs1'],
  predecessor: ['imm'],
  successor: ['imm'],
  vm: ['vm'],
  v0: [],
  avl: ['avl'],
  vtype: ['imm'],
};

const REGISTER_FIELDS = ['rd', 'rs1', 'rs2', 'rs3'] as const;

/** Parts of a format besides its name and mask. */
interface FormatParts {
  readonly syntax: readonly OperandSyntax[];
  /** Register operands in the floating-point file. */
  readonly floats?: readonly RegisterField[];
  /** Register operands in the vector file. */
  readonly vectors?: readonly RegisterField[];
  readonly immediate?: Immediate;
  readonly isReserved?: (operands: Operands) => boolean;
  /** The encoding has aq and rl bits. */
  readonly ordered?: boolean;
}

/** The operands and register files that a syntax names. */
export function fieldsOf(
  syntax: readonly OperandSyntax[],
  floats: readonly RegisterField[] = [],
  vectors: readonly RegisterField[] = [],
): Pick<Format, 'fields' | 'registers'> {
  const fields = new Set(syntax.flatMap((operand) => FIELDS_OF[operand]));
  const registers: Partial<Record<RegisterField, RegisterClass>> = {};
  for (const field of REGISTER_FIELDS) {
    if (fields.has(field)) {
      registers[field] = floats.includes(field) ? 'f' : vectors.includes(field) ? 'v' : 'x';
    }
  }
  return { fields, registers };
}

/** Of encodings none of whose operands are reserved. */
export const never = (): boolean => false;

/** Describes a format; `mask` has the bits that tell its instructions apart. */
export function format(name: string, mask: number, parts: FormatParts): Format {
  const { syntax, floats, vectors, immediate = noImmediate, ordered = false, isReserved = never } = parts;
  const { fields, registers } = fieldsOf(syntax, floats, vectors);
  const width = (field: Field, bits: number): number => (fields.has(field) ? bits : 0);
  const rd = width('rd', 31);
  const rs1 = width('rs1', 31) | width('avl', 31);
  const rs2 = width('rs2', 31);
  const rs3 = width('rs3', 31);
  const csr = width('csr', 0xfff);
  const rm = ordered ? 3 : width('rm', 7) | width('vm', 1);
  const rmShift = ordered || fields.has('vm') ? 25 : 12;
  return {
    name,
    mask: mask >>> 0,
    syntax,
    fields: ordered ? new Set([...fields, 'ordering']) : fields,
    registers,
    immediate,
    isReserved,
    decode: (bits) => ({
      rd: (bits >>> 7) & rd,
      rs1: (bits >>> 15) & rs1,
      rs2: (bits >>> 20) & rs2,
      rs3: (bits >>> 27) & rs3,
      imm: immediate.decode(bits),
      csr: (bits >>> 20) & csr,
      rm: (bits >>> rmShift) & rm,
    }),
    encode: (operands) =>
      (((operands.rd & rd) << 7) |
        ((operands.rs1 & rs1) << 15) |
        ((operands.rs2 & rs2) << 20) |
        ((operands.rs3 & rs3) << 27) |
        ((operands.csr & csr) << 20) |
        ((operands.rm & rm) << rmShift) |
        immediate.encode(operands.imm)) >>>
      0,
  };
}

// Base formats (unprivileged specification, "Base Instruction Formats" and "Immediate Encoding Variants").
export const R = format('R', 0xfe00_707f, { syntax: ['rd', 'rs1', 'rs2'] });
export const I = format('I', 0x0000_707f, { syntax: ['rd', 'rs1', 'imm'], immediate: immediateI });
export const LOAD = format('load', 0x0000_707f, { syntax: ['rd', 'imm(rs1)'], immediate: immediateI });
export const STORE = format('store', 0x0000_707f, { syntax: ['rs2', 'imm(rs1)'], immediate: immediateS });
export const BRANCH = format('branch', 0x0000_707f, {
  syntax: ['rs1', 'rs2', 'target'],
  immediate: immediateB,
});
export const U = format('U', 0x0000_007f, { syntax: ['rd', 'upper'], immediate: immediateU });
export const J = format('J', 0x0000_007f, { syntax: ['rd', 'target'], immediate: immediateJ });
/** Shift of 64 bits by a constant of 6. */
export const SHIFT = format('shift', 0xfc00_707f, {
  syntax: ['rd', 'rs1', 'shift'],
  immediate: unsignedAt(20, 6),
});
/** Shift of 32 bits by a constant of 5: of a word on RV64, of a register on RV32. */
export const SHIFT_WORD = format('shift-word', 0xfe00_707f, {
  syntax: ['rd', 'rs1', 'shift'],
  immediate: unsignedAt(20, 5),
});
/** One source; the place of rs2 tells the operation. */
export const UNARY = format('unary', 0xfff0_707f, { syntax: ['rd', 'rs1'] });
/** One byte of the second source, by its number (Zkne and others). */
export const R_BYTE = format('R-byte', 0x3e00_707f, {
  syntax: ['rd', 'rs1', 'rs2', 'shift'],
  immediate: unsignedAt(30, 2),
});
/** A round of the key expansion of AES: 0 to 10. */
export const KEY_ROUND = format('key-round', 0xff00_707f, {
  syntax: ['rd', 'rs1', 'shift'],
  immediate: { ...unsignedAt(20, 4), max: 10 },
  isReserved: ({ imm }) => imm > 10,
});
/** No operands. */
export const NONE = format('none', 0xffff_ffff, { syntax: [] });

/** `fence`: fm, predecessor and successor sets as one immediate; the register fields are reserved and ignored. */
export const FENCE = format('fence', 0x0000_707f, {
  syntax: ['predecessor', 'successor'],
  immediate: unsignedAt(20, 12),
});
/** `fence.i`: all other fields are reserved and ignored (Zifencei). */
export const FENCE_I = format('fence.i', 0x0000_707f, { syntax: [] });

export const CSR = format('csr', 0x0000_707f, { syntax: ['rd', 'csr', 'rs1'] });
export const CSR_IMMEDIATE = format('csr-immediate', 0x0000_707f, {
  syntax: ['rd', 'csr', 'imm'],
  immediate: unsignedAt(15, 5),
});

/** Atomic memory operation and store-conditional. */
export const ATOMIC = format('atomic', 0xf800_707f, { syntax: ['rd', 'rs2', '(rs1)'], ordered: true });
/** The same on register pairs, which begin with an even register. */
export const ATOMIC_PAIR = format('atomic-pair', 0xf800_707f, {
  syntax: ['rd', 'rs2', '(rs1)'],
  ordered: true,
  isReserved: ({ rd, rs2 }) => ((rd | rs2) & 1) !== 0,
});
export const LOAD_RESERVED = format('load-reserved', 0xf9f0_707f, { syntax: ['rd', '(rs1)'], ordered: true });

/** Address and second operand, no result: fences of address translation. */
export const ADDRESS_FENCE = format('address-fence', 0xfe00_7fff, { syntax: ['rs1', 'rs2'] });
/** Loads and stores of the hypervisor, without an offset. */
export const LOAD_PLAIN = format('load-plain', 0xfff0_707f, { syntax: ['rd', '(rs1)'] });
export const STORE_PLAIN = format('store-plain', 0xfe00_7fff, { syntax: ['rs2', '(rs1)'] });
/** Cache-block operations. */
export const CACHE_BLOCK = format('cache-block', 0xfff0_7fff, { syntax: ['(rs1)'] });

/** Prefetches: a signed offset in multiples of 32. */
export const PREFETCH = format('prefetch', 0x01f0_7fff, {
  syntax: ['imm(rs1)'],
  immediate: immediatePrefetch,
});

// Floating point (F extension); `rm` where the operation rounds.
export const F_LOAD = format('float-load', 0x0000_707f, {
  syntax: ['rd', 'imm(rs1)'],
  floats: ['rd'],
  immediate: immediateI,
});
export const F_STORE = format('float-store', 0x0000_707f, {
  syntax: ['rs2', 'imm(rs1)'],
  floats: ['rs2'],
  immediate: immediateS,
});
export const F_BINARY = format('float-binary', 0xfe00_707f, {
  syntax: ['rd', 'rs1', 'rs2'],
  floats: ['rd', 'rs1', 'rs2'],
});
export const F_BINARY_ROUNDED = format('float-binary-rounded', 0xfe00_007f, {
  syntax: ['rd', 'rs1', 'rs2', 'rm'],
  floats: ['rd', 'rs1', 'rs2'],
});
export const F_UNARY_ROUNDED = format('float-unary-rounded', 0xfff0_007f, {
  syntax: ['rd', 'rs1', 'rm'],
  floats: ['rd', 'rs1'],
});
export const F_FUSED = format('float-fused', 0x0600_007f, {
  syntax: ['rd', 'rs1', 'rs2', 'rs3', 'rm'],
  floats: ['rd', 'rs1', 'rs2', 'rs3'],
});
export const F_COMPARE = format('float-compare', 0xfe00_707f, {
  syntax: ['rd', 'rs1', 'rs2'],
  floats: ['rs1', 'rs2'],
});
/** A constant by its number, in the place of rs1 (Zfa). */
export const F_LITERAL = format('float-literal', 0xfff0_707f, {
  syntax: ['rd', 'literal'],
  floats: ['rd'],
  immediate: unsignedAt(15, 5),
});
/** To an integer, toward zero always. */
export const F_TO_X_TRUNCATED = format('float-to-integer-truncated', 0xfff0_707f, {
  syntax: ['rd', 'rs1', 'rtz'],
  floats: ['rs1'],
});
/** A value from two integer registers. */
export const F_PAIR = format('float-pair', 0xfe00_707f, { syntax: ['rd', 'rs1', 'rs2'], floats: ['rd'] });
export const F_TO_X = format('float-to-integer', 0xfff0_707f, { syntax: ['rd', 'rs1'], floats: ['rs1'] });
export const F_TO_X_ROUNDED = format('float-to-integer-rounded', 0xfff0_007f, {
  syntax: ['rd', 'rs1', 'rm'],
  floats: ['rs1'],
});
export const X_TO_F = format('integer-to-float', 0xfff0_707f, { syntax: ['rd', 'rs1'], floats: ['rd'] });
export const X_TO_F_ROUNDED = format('integer-to-float-rounded', 0xfff0_007f, {
  syntax: ['rd', 'rs1', 'rm'],
  floats: ['rd'],
});

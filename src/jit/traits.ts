import {
  type Decoded,
  effectsOf,
  type Instruction,
  type RegisterClass,
  type RegisterField,
} from '../isa/index.ts';
import { csrAccessOf } from './system-access.ts';

/** Where the registers of a class begin among the 64 of both; vector registers are never in locals. */
export const FIRST_REGISTER: Readonly<Record<RegisterClass, number>> = { x: 0, f: 32, v: 0 };

/** Which operands are registers of a class. */
export interface Operands {
  readonly rd: boolean;
  readonly rs1: boolean;
  readonly rs2: boolean;
  readonly rs3: boolean;
}

/** The facts of an instruction's description that the compiler needs, found once. */
export interface Traits {
  readonly instruction: Instruction;
  readonly control: 'none' | 'branch' | 'jump' | 'indirect' | 'system';
  readonly endsBlock: boolean;
  readonly pure: boolean;
  /** It has an integer register as its destination, which may be x0: see {@link writtenX}. */
  readonly writesX: boolean;
  /** Whether it writes a word there, always or if its operands are: see `WordRegisters`. */
  readonly makesWord: boolean;
  readonly keepsWords: boolean;
  readonly usesFloat: boolean;
  readonly needsFloat: boolean;
  /**
   * It has to do with vectors: `step` is carried out by its kernel, which finds the registers in the hart block;
   * `length` reads vl.
   */
  readonly vector: 'none' | 'step' | 'length';
  /**
   * A system instruction that a function of the interpreter carries out: an access to a CSR, to one that translation
   * depends on, or CBO.ZERO.
   */
  readonly system: 'none' | 'csr' | 'translation' | 'zero';
  /** Bytes of a plain access at an immediate from rs1; 0: it is none. */
  readonly accessBytes: number;
  readonly stores: boolean;
  /** It has a check of its own, which may leave the region before it. */
  readonly mayLeave: boolean;
  readonly readsPc: boolean;
  /** It has a rounding mode, which may be reserved. */
  readonly rounds: boolean;
  readonly x: Operands;
  readonly f: Operands;
  /** Where the file begins that an operand is of. */
  readonly first: Readonly<Record<RegisterField, number>>;
  /** The bits of {@link shapeOf} that make a difference. */
  readonly shapeMask: number;
}

/**
 * The facts that the code of an instruction depends on besides numbers that can be filled in: bits for operands that
 * are zero, for places outside of the page of the entry, and the rounding mode. 0 for most.
 */
export const SHAPE = {
  rs1: 1,
  rs2: 2,
  rd: 4,
  imm: 8,
  pc: 16,
  nextPc: 32,
  far: 64,
  rm: 128,
  /** Not a fact of the instruction alone: its operands are words (see `WordRegisters`). */
  words: 1024,
  count: 2048,
} as const;

const PAGE = 4096;

/** The integer register that an instruction writes; 0: none, as x0 stays 0. */
export function writtenX({ rd }: Decoded, { writesX }: Traits): number {
  return writesX ? rd : 0;
}

export function isNear(offset: number): boolean {
  return offset >= 0 && offset < PAGE;
}

/** The shape of an instruction at an offset. */
export function shapeOf(
  { shapeMask }: Traits,
  { rs1, rs2, rd, imm, rm, length }: Decoded,
  offset: number,
): number {
  if (shapeMask === 0) return 0;
  const all =
    (rs1 === 0 ? SHAPE.rs1 : 0) |
    (rs2 === 0 ? SHAPE.rs2 : 0) |
    (rd === 0 ? SHAPE.rd : 0) |
    (imm === 0 ? SHAPE.imm : 0) |
    (offset === 0 ? SHAPE.pc : 0) |
    (offset + length === 0 ? SHAPE.nextPc : 0) |
    (isNear(offset) ? 0 : SHAPE.far) |
    (rm * SHAPE.rm);
  return all & shapeMask;
}

const known = new Map<Instruction, Traits>();

/** The CSR vl, which a loop with fault-only-first loads reads in each turn. */
const VL = 0xc20;

/** The traits of a decoded instruction: some accesses to CSRs do not end a region. */
export function traitsOf(decoded: Decoded): Traits {
  const { instruction, csr, rs1, rd } = decoded;
  const traits = traitsFor(instruction);
  if (traits.control !== 'system') return traits;
  if (instruction.name === 'csrrs' && csr === VL && rs1 === 0 && rd !== 0) {
    lengthTraits ??= { ...traits, control: 'none', endsBlock: false, writesX: true, vector: 'length' };
    return lengthTraits;
  }
  const access = csrAccessOf(decoded);
  if (access === undefined) return traits;
  const system = access.translates ? 'translation' : 'csr';
  const known = accessTraits[system].get(instruction);
  if (known !== undefined) return known;
  const made: Traits = { ...traits, control: 'none', endsBlock: false, writesX: true, system };
  accessTraits[system].set(instruction, made);
  return made;
}

let lengthTraits: Traits | undefined;
const accessTraits = { csr: new Map<Instruction, Traits>(), translation: new Map<Instruction, Traits>() };

function traitsFor(instruction: Instruction): Traits {
  const cached = known.get(instruction);
  if (cached !== undefined) return cached;
  const found = find(instruction);
  known.set(instruction, found);
  return found;
}

function find(instruction: Instruction): Traits {
  const { format, needsFloat } = instruction;
  const isVector = instruction.vector !== undefined;
  const isZero = instruction.name === 'cbo.zero';
  const goesOn = isVector || isZero;
  const effects = effectsOf(instruction);
  const accessBytes = format.fields.has('imm') ? effects.accessBytes : 0;
  const operands = (wanted: RegisterClass): Operands => ({
    rd: format.registers.rd === wanted,
    rs1: format.registers.rs1 === wanted,
    rs2: format.registers.rs2 === wanted,
    rs3: format.registers.rs3 === wanted,
  });
  const first = (field: RegisterField): number => FIRST_REGISTER[format.registers[field] ?? 'x'];
  const x = operands('x');
  const f = operands('f');
  const mayLeave = effects.usesMemory && accessBytes === 0;
  // The address of a plain access is that of its group.
  const shapeMask =
    (x.rs1 && accessBytes === 0 ? SHAPE.rs1 : 0) |
    (x.rs2 ? SHAPE.rs2 : 0) |
    (x.rd ? SHAPE.rd : 0) |
    (format.fields.has('imm') && accessBytes === 0 ? SHAPE.imm : 0) |
    (effects.readsPc ? SHAPE.pc | SHAPE.nextPc : 0) |
    (mayLeave ? SHAPE.far : 0) |
    (effects.usesFloat ? 7 * SHAPE.rm : 0);
  return {
    instruction,
    control: goesOn ? 'none' : effects.control,
    endsBlock: effects.endsBlock && !goesOn,
    pure: effects.pure,
    writesX: effects.writesRd || (isVector && x.rd),
    makesWord: effects.makesWord,
    keepsWords: effects.keepsWords,
    usesFloat: effects.usesFloat || (isVector && Object.values(f).includes(true)),
    needsFloat,
    vector: isVector ? 'step' : 'none',
    system: isZero ? 'zero' : 'none',
    accessBytes,
    stores: effects.stores,
    mayLeave,
    readsPc: effects.readsPc,
    rounds: format.fields.has('rm'),
    x,
    f,
    first: { rd: first('rd'), rs1: first('rs1'), rs2: first('rs2'), rs3: first('rs3') },
    shapeMask,
  };
}

import {
  C_ADD,
  C_ADDI,
  C_ADDI4SPN,
  C_ADDI16SP,
  C_ANDI,
  C_ARITHMETIC,
  C_BRANCH,
  C_EBREAK,
  C_FLD,
  C_FLDSP,
  C_FLW,
  C_FLWSP,
  C_FSD,
  C_FSDSP,
  C_FSW,
  C_FSWSP,
  C_J,
  C_JAL,
  C_JALR,
  C_JR,
  C_LBU,
  C_LD,
  C_LDSP,
  C_LH,
  C_LI,
  C_LUI,
  C_LW,
  C_LWSP,
  C_MV,
  C_NONE,
  C_NOT,
  C_SB,
  C_SD,
  C_SDSP,
  C_SH,
  C_SHIFT,
  C_SHIFT_0,
  C_SHIFT_WORD,
  C_SLLI,
  C_SLLI_0,
  C_SLLI_WORD,
  C_SW,
  C_SWSP,
  C_UNARY,
  C_ZEXT_B,
} from './compressed-formats.ts';
import { type Format, never } from './formats.ts';
import type { Extension, Instruction, Xlen } from './instruction.ts';
import type { Operands } from './operands.ts';
import { findInstruction } from './table.ts';

/** A 16-bit encoding of a 32-bit instruction. */
export interface CompressedInstruction {
  /** Assembler mnemonic, such as `c.addi`. */
  readonly name: string;
  /** Fixed bits and their values: `(bits & mask) === match`; the encoding with the most fixed bits counts. */
  readonly match: number;
  readonly mask: number;
  /** Its operands are those of {@link expandsTo}. */
  readonly format: Format;
  readonly expandsTo: Instruction;
  /** The extension that brings the encoding, beside that of the instruction that it expands to. */
  readonly extension: Extension;
  /** Whether the encoding with these operands is reserved, and so illegal. */
  readonly isReserved: (operands: Operands) => boolean;
}

const zeroImmediate = ({ imm }: Operands): boolean => imm === 0;
const zeroDestination = ({ rd }: Operands): boolean => rd === 0;
const zeroSource = ({ rs1 }: Operands): boolean => rs1 === 0;

/** A compressed instruction before it is known to which width it belongs: `expandsTo` is a mnemonic. */
interface Definition extends Omit<CompressedInstruction, 'expandsTo'> {
  readonly expandsTo: string;
  /** XLEN for which the encoding exists; undefined for all that have the instruction that it expands to. */
  readonly xlen?: Xlen;
}

function c(
  name: string,
  format: Format,
  match: number,
  expandsTo: string,
  isReserved: (operands: Operands) => boolean = never,
): Definition {
  return { name: `c.${name}`, match, mask: format.mask, format, expandsTo, extension: 'c', isReserved };
}

/** Encodings of one width only. */
const c32: typeof c = (...definition) => ({ ...c(...definition), xlen: 32 });
const c64: typeof c = (...definition) => ({ ...c(...definition), xlen: 64 });
const zcb: typeof c = (...definition) => ({ ...c(...definition), extension: 'zcb' });
/** Instructions without operands, which do nothing. */
const zcmop = (number: number): Definition => ({
  ...c(`mop.${number}`, C_NONE, 0x6001 | (number << 7), 'addi'),
  extension: 'zcmop',
});
const hint = (name: string, match: number): Definition => ({
  ...c(name, C_NONE, match, name),
  extension: 'zihintntl',
});

/**
 * C (unprivileged specification, chapter "C", tables of the three quadrants). Hints, such as `c.li` to x0, are the
 * instructions that they expand to, without effect; `c.nop` is `c.addi` to x0, and the shifts by 0, hints here, have
 * names of their own because they shift by 64 where XLEN is 128. `c.addi4spn` with 0 includes the all-zero encoding,
 * which is defined to be illegal.
 */
const definitions: readonly Definition[] = [
  c('addi4spn', C_ADDI4SPN, 0x0000, 'addi', zeroImmediate),
  c('fld', C_FLD, 0x2000, 'fld'),
  c('lw', C_LW, 0x4000, 'lw'),
  c('ld', C_LD, 0x6000, 'ld'),
  c32('flw', C_FLW, 0x6000, 'flw'),
  c('fsd', C_FSD, 0xa000, 'fsd'),
  c('sw', C_SW, 0xc000, 'sw'),
  c('sd', C_SD, 0xe000, 'sd'),
  c32('fsw', C_FSW, 0xe000, 'fsw'),

  c('addi', C_ADDI, 0x0001, 'addi'),
  c32('jal', C_JAL, 0x2001, 'jal'),
  c('addiw', C_ADDI, 0x2001, 'addiw', zeroDestination),
  c('li', C_LI, 0x4001, 'addi'),
  c('addi16sp', C_ADDI16SP, 0x6101, 'addi', zeroImmediate),
  c('lui', C_LUI, 0x6001, 'lui', zeroImmediate),
  c('srli64', C_SHIFT_0, 0x8001, 'srli'),
  c64('srli', C_SHIFT, 0x8001, 'srli'),
  c32('srli', C_SHIFT_WORD, 0x8001, 'srli'),
  c('srai64', C_SHIFT_0, 0x8401, 'srai'),
  c64('srai', C_SHIFT, 0x8401, 'srai'),
  c32('srai', C_SHIFT_WORD, 0x8401, 'srai'),
  c('andi', C_ANDI, 0x8801, 'andi'),
  c('sub', C_ARITHMETIC, 0x8c01, 'sub'),
  c('xor', C_ARITHMETIC, 0x8c21, 'xor'),
  c('or', C_ARITHMETIC, 0x8c41, 'or'),
  c('and', C_ARITHMETIC, 0x8c61, 'and'),
  c('subw', C_ARITHMETIC, 0x9c01, 'subw'),
  c('addw', C_ARITHMETIC, 0x9c21, 'addw'),
  c('j', C_J, 0xa001, 'jal'),
  c('beqz', C_BRANCH, 0xc001, 'beq'),
  c('bnez', C_BRANCH, 0xe001, 'bne'),

  c('slli64', C_SLLI_0, 0x0002, 'slli'),
  c64('slli', C_SLLI, 0x0002, 'slli'),
  c32('slli', C_SLLI_WORD, 0x0002, 'slli'),
  c('fldsp', C_FLDSP, 0x2002, 'fld'),
  c('lwsp', C_LWSP, 0x4002, 'lw', zeroDestination),
  c('ldsp', C_LDSP, 0x6002, 'ld', zeroDestination),
  c32('flwsp', C_FLWSP, 0x6002, 'flw'),
  c('jr', C_JR, 0x8002, 'jalr', zeroSource),
  c('mv', C_MV, 0x8002, 'add'),
  c('ebreak', C_EBREAK, 0x9002, 'ebreak'),
  c('jalr', C_JALR, 0x9002, 'jalr'),
  c('add', C_ADD, 0x9002, 'add'),
  c('fsdsp', C_FSDSP, 0xa002, 'fsd'),
  c('swsp', C_SWSP, 0xc002, 'sw'),
  c('sdsp', C_SDSP, 0xe002, 'sd'),
  c32('fswsp', C_FSWSP, 0xe002, 'fsw'),

  hint('ntl.p1', 0x900a),
  hint('ntl.pall', 0x900e),
  hint('ntl.s1', 0x9012),
  hint('ntl.all', 0x9016),

  zcb('lbu', C_LBU, 0x8000, 'lbu'),
  zcb('lhu', C_LH, 0x8400, 'lhu'),
  zcb('lh', C_LH, 0x8440, 'lh'),
  zcb('sb', C_SB, 0x8800, 'sb'),
  zcb('sh', C_SH, 0x8c00, 'sh'),
  zcb('zext.b', C_ZEXT_B, 0x9c61, 'andi'),
  zcb('sext.b', C_UNARY, 0x9c65, 'sext.b'),
  zcb('zext.h', C_UNARY, 0x9c69, 'zext.h'),
  zcb('sext.h', C_UNARY, 0x9c6d, 'sext.h'),
  zcb('zext.w', C_UNARY, 0x9c71, 'add.uw'),
  zcb('not', C_NOT, 0x9c75, 'xori'),
  zcb('mul', C_ARITHMETIC, 0x9c41, 'mul'),

  ...[1, 3, 5, 7, 9, 11, 13, 15].map(zcmop),
];

function compressedFor(width: Xlen): readonly CompressedInstruction[] {
  return definitions.flatMap(({ xlen = width, expandsTo: name, ...definition }) => {
    const expandsTo = findInstruction(name, width);
    return expandsTo === undefined || xlen !== width ? [] : [{ ...definition, expandsTo }];
  });
}

const tables = { 32: compressedFor(32), 64: compressedFor(64) };

/** The 16-bit instructions of a width. */
export function compressedInstructionsFor(xlen: Xlen): readonly CompressedInstruction[] {
  return tables[xlen];
}

import { findCompressed } from './decoder.ts';
import type { Format, OperandSyntax, RegisterField } from './formats.ts';
import type { Decoded, Xlen } from './instruction.ts';
import { LITERAL_NAMES } from './literals.ts';
import { EXACT_CONVERSIONS, ORDERING_SUFFIXES, ROUNDING_MODES, registerName } from './registers.ts';
import { vtypeText } from './vector/vtype.ts';

/** Settings of the text besides the instruction. */
export interface DisassemblyOptions {
  /** Width of the hart that has decoded the instruction; 64 if not given. */
  readonly xlen?: Xlen;
  /** Address of the instruction, from which jump targets count; 0 if not given. */
  readonly pc?: bigint;
  /** Names of CSRs by number; others are written as numbers. */
  readonly csrNames?: ReadonlyMap<number, string>;
}

/**
 * An instruction as text in the style of `objdump -M no-aliases`: the mnemonic of its encoding (`c.addi`), a space,
 * and its operands, separated by commas, with ABI names of registers.
 */
export function disassemble(decoded: Decoded, options: DisassemblyOptions = {}): string {
  const { name, format } = encodingOf(decoded, options.xlen);
  const suffix = format.fields.has('ordering') ? ORDERING_SUFFIXES[decoded.rm] : '';
  const operands = format.syntax
    .map((operand) =>
      operand === 'rm' && EXACT_CONVERSIONS.has(name) ? '' : operandText(operand, format, decoded, options),
    )
    .filter((text) => text !== '');
  return operands.length === 0 ? name + suffix : `${name}${suffix} ${operands.join(',')}`;
}

/** Bits that are no instruction, as the data directive that `objdump` writes for them. */
export function disassembleData(bits: number, length: 2 | 4): string {
  return `.${length}byte 0x${(length === 2 ? bits & 0xffff : bits >>> 0).toString(16)}`;
}

function encodingOf(decoded: Decoded, xlen: Xlen = 64): { readonly name: string; readonly format: Format } {
  const compressed = decoded.length === 2 ? findCompressed(decoded.bits, xlen) : undefined;
  return compressed ?? decoded.instruction;
}

function operandText(
  operand: OperandSyntax,
  format: Format,
  decoded: Decoded,
  { pc = 0n, csrNames, xlen = 64 }: DisassemblyOptions,
): string {
  const register = (field: RegisterField): string =>
    registerName(format.registers[field] ?? 'x', decoded[field]);
  switch (operand) {
    case 'rd':
    case 'rs1':
    case 'rs2':
    case 'rs3':
      return register(operand);
    case 'imm':
      return `${decoded.imm}`;
    case 'shift':
      return hexadecimal(decoded.imm);
    case 'rtz':
      return operand;
    case 'literal':
      return LITERAL_NAMES[decoded.imm] ?? '';
    case 'upper':
      return hexadecimal(decoded.imm >>> 12);
    case 'target':
      return hexadecimal(BigInt.asUintN(xlen, pc + BigInt(decoded.imm)));
    case 'csr':
      return csrNames?.get(decoded.csr) ?? hexadecimal(decoded.csr);
    case 'rm':
      return decoded.rm === 7 ? '' : (ROUNDING_MODES[decoded.rm] ?? 'unknown');
    case 'imm(rs1)':
      return `${decoded.imm}(${register('rs1')})`;
    case '(rs1)':
      return `(${register('rs1')})`;
    case 'predecessor':
      return fenceSet(decoded.imm >>> 4);
    case 'successor':
      return fenceSet(decoded.imm);
    case 'vm':
      return decoded.rm === 0 ? 'v0.t' : '';
    case 'v0':
      return 'v0';
    case 'avl':
      return `${decoded.rs1}`;
    case 'vtype':
      return vtypeText(decoded.imm);
  }
}

const hexadecimal = (value: number | bigint): string => `0x${value.toString(16)}`;

/** The accesses that a `fence` orders: device input and output, memory reads and writes. */
function fenceSet(bits: number): string {
  const set = [...'wroi'].filter((_, bit) => ((bits >> bit) & 1) === 1).reverse();
  return set.length === 0 ? 'unknown' : set.join('');
}

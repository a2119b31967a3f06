import { OperandError } from './assembly-error.ts';
import { evaluate, type SymbolLookup } from './assembly-expression.ts';
import type { Format, OperandSyntax, RegisterClass, RegisterField } from './formats.ts';
import { type Immediate, unsignedAt } from './immediates.ts';
import { literalNumber } from './literals.ts';
import type { Operands } from './operands.ts';
import { ROUNDING_MODES, registerNumber } from './registers.ts';
import type { Xlen } from './semantics.ts';
import { parseVtype } from './vector/vtype.ts';

/** Symbols for operands. */
export interface OperandContext {
  /** Address of the instruction. */
  readonly pc: bigint;
  readonly lookup: SymbolLookup;
  readonly csrs: ReadonlyMap<string, number>;
  readonly xlen: Xlen;
}

type MutableOperands = { -readonly [K in keyof Operands]: Operands[K] };

/**
 * Reads the operands of an instruction.
 *
 * @param defaultRounding rounding mode if none is written
 * @throws OperandError if one is missing, superfluous, malformed or out of range
 */
export function parseOperands(
  format: Format,
  texts: readonly string[],
  context: OperandContext,
  defaultRounding: number,
): Operands {
  const operands: MutableOperands = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0 };
  const { syntax } = format;
  const last = syntax.at(-1);
  if (last === 'vtype') {
    const before = syntax.length - 1;
    if (texts.length > before) texts = [...texts.slice(0, before), texts.slice(before).join(',')];
  }
  const optional = last === 'rm' || last === 'vm' ? 1 : 0;
  if (texts.length > syntax.length || texts.length < syntax.length - optional) {
    const expected = syntax.length === 0 ? 'no operands' : syntax.join(', ');
    throw new OperandError(`expected ${expected}, found '${texts.join(', ')}'`);
  }
  if (optional === 1) operands.rm = last === 'vm' ? 1 : defaultRounding;
  for (const [index, text] of texts.entries()) {
    parseOperand(syntax[index], text, format, context, operands);
  }
  return operands;
}

function parseOperand(
  syntax: OperandSyntax,
  text: string,
  format: Format,
  context: OperandContext,
  operands: MutableOperands,
): void {
  switch (syntax) {
    case 'rd':
    case 'rs1':
    case 'rs2':
    case 'rs3':
      operands[syntax] = register(text, syntax, format);
      break;
    case 'imm':
    case 'shift':
    case 'literal':
    case 'upper':
    case 'target':
    case 'vtype':
      operands.imm = immediateOf(syntax, text, format, context);
      break;
    case 'csr':
      operands.csr = csrNumber(text, context);
      break;
    case 'rm':
      operands.rm = roundingMode(text);
      break;
    case 'imm(rs1)':
    case '(rs1)':
      parseAddress(syntax, text, format, context, operands);
      break;
    case 'predecessor':
      operands.imm |= fenceSet(text) << 4;
      break;
    case 'successor':
      operands.imm |= fenceSet(text);
      break;
    case 'vm':
      expectWord(syntax, text);
      operands.rm = 0;
      break;
    case 'rtz':
    case 'v0':
      expectWord(syntax, text);
      break;
    case 'avl':
      operands.rs1 = inRange(evaluate(text, context.lookup), unsignedAt(15, 5));
      break;
  }
}

function immediateOf(
  syntax: 'imm' | 'shift' | 'literal' | 'upper' | 'target' | 'vtype',
  text: string,
  { immediate }: Format,
  context: OperandContext,
): number {
  const number = (): bigint => evaluate(text, context.lookup);
  switch (syntax) {
    case 'imm':
    case 'shift':
      return inRange(number(), immediate);
    case 'literal':
      return literalNumber(text);
    case 'upper':
      return inRange(upperValue(number()), immediate);
    case 'target':
      return inRange(BigInt.asIntN(context.xlen, number() - context.pc), immediate);
    case 'vtype':
      return parseVtype(text) ?? inRange(number(), immediate);
  }
}

/** Operands that can be one word only. */
const WORDS = {
  rtz: { word: 'rtz', name: 'rtz, the only rounding mode here' },
  vm: { word: 'v0.t', name: 'a mask (v0.t)' },
  v0: { word: 'v0', name: 'v0' },
} as const;

function expectWord(syntax: keyof typeof WORDS, text: string): void {
  const { word, name } = WORDS[syntax];
  if (text !== word) throw new OperandError(`'${text}' is not ${name}`);
}

const KINDS: Readonly<Record<RegisterClass, string>> = {
  x: 'an integer register',
  f: 'a floating-point register',
  v: 'a vector register',
};

function register(text: string, field: RegisterField, format: Format): number {
  const registerClass = format.registers[field] ?? 'x';
  const number = registerNumber(registerClass, text);
  if (number !== undefined) return number;
  throw new OperandError(`'${text}' is not ${KINDS[registerClass]}`);
}

function inRange(value: bigint, { min, max, step }: Immediate): number {
  if (value < BigInt(min) || value > BigInt(max)) {
    throw new OperandError(`${value} is not in the range ${min} to ${max}`);
  }
  if (value % BigInt(step) !== 0n) throw new OperandError(`${value} is not a multiple of ${step}`);
  return Number(value);
}

/** `lui` and `auipc` take bits 31:12 of their value, as a signed or unsigned number of 20 bits. */
function upperValue(value: bigint): bigint {
  if (value < -0x8_0000n || value > 0xf_ffffn) {
    throw new OperandError(`${value} does not fit in 20 bits`);
  }
  return BigInt.asIntN(32, value << 12n);
}

function csrNumber(text: string, { csrs, lookup }: OperandContext): number {
  const named = csrs.get(text);
  if (named !== undefined) return named;
  const value = evaluate(text, lookup);
  if (value < 0n || value > 0xfffn) throw new OperandError(`CSR ${value} is not in the range 0 to 4095`);
  return Number(value);
}

function roundingMode(text: string): number {
  const mode = ROUNDING_MODES.indexOf(text);
  if (mode < 0) throw new OperandError(`'${text}' is not a rounding mode (rne, rtz, rdn, rup, rmm, dyn)`);
  return mode;
}

/** `offset(register)`; the offset may be left out, and must be 0 where the encoding has none. */
function parseAddress(
  syntax: 'imm(rs1)' | '(rs1)',
  text: string,
  format: Format,
  context: OperandContext,
  operands: MutableOperands,
): void {
  const match = /^(.*)\(\s*([\w.]+)\s*\)$/s.exec(text);
  if (match === null) throw new OperandError(`'${text}' is not an address, such as 8(a0)`);
  const offset = match[1].trim() === '' ? 0n : evaluate(match[1], context.lookup);
  operands.rs1 = register(match[2], 'rs1', format);
  if (syntax === 'imm(rs1)') operands.imm = inRange(offset, format.immediate);
  else if (offset !== 0n) throw new OperandError(`${offset} is an offset, which the instruction cannot have`);
}

function fenceSet(text: string): number {
  if (text === '0') return 0;
  if (!/^i?o?r?w?$/.test(text)) throw new OperandError(`'${text}' is not a set of i, o, r, w in this order`);
  return [...text].reduce((set, access) => set | (1 << 'wroi'.indexOf(access)), 0);
}

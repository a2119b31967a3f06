import { OperandError } from './assembly-error.ts';
import { unescapeText } from './assembly-expression.ts';

/** The assembler, as a directive sees it. */
export interface DirectiveContext {
  /** Bytes written so far. */
  readonly offset: number;
  /** A value that must be known already. */
  evaluate(text: string): bigint;
  /** A value that may refer to later labels. */
  evaluateData(text: string): bigint;
  define(symbol: string, value: bigint): void;
  emit(bytes: Iterable<number>): void;
}

type Directive = (operands: readonly string[], context: DirectiveContext) => void;

/** More than this in one directive is taken for a mistake. */
const MAX_PADDING = 1n << 26n;

const ignore: Directive = () => {};

function data(size: number): Directive {
  const bits = BigInt(size * 8);
  return (operands, { evaluateData, emit }) => {
    for (const operand of operands) {
      const value = evaluateData(operand);
      if (value < -(1n << (bits - 1n)) || value >= 1n << bits) {
        throw new OperandError(`${value} does not fit in ${bits} bits`);
      }
      emit(littleEndian(value, size));
    }
  };
}

function littleEndian(value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

/** Padding that can be executed: `nop` and `c.nop`, behind zeros where it does not start at an even offset. */
function padding(offset: number, length: number): number[] {
  const bytes: number[] = [];
  if ((offset & 1) === 1 && length > 0) bytes.push(0);
  if (((length - bytes.length) & 2) === 2) bytes.push(0x01, 0x00);
  while (length - bytes.length >= 4) bytes.push(0x13, 0x00, 0x00, 0x00);
  while (bytes.length < length) bytes.push(0);
  return bytes;
}

const filler = (length: number, byte: bigint): Uint8Array =>
  new Uint8Array(length).fill(Number(byte & 0xffn));

function align(toBytes: (value: bigint) => bigint): Directive {
  return ([operand = '', fill], { evaluate, offset, emit }) => {
    const alignment = toBytes(evaluate(operand));
    if (alignment < 1n || alignment > MAX_PADDING || (alignment & (alignment - 1n)) !== 0n) {
      throw new OperandError(`'${operand}' is not an alignment`);
    }
    const size = Number(alignment);
    const length = (size - (offset % size)) % size;
    emit(fill === undefined ? padding(offset, length) : filler(length, evaluate(fill)));
  };
}

const zero: Directive = ([operand = '', fill = '0'], { evaluate, emit }) => {
  const count = evaluate(operand);
  if (count < 0n || count > MAX_PADDING) throw new OperandError(`${count} is not a number of bytes`);
  emit(filler(Number(count), evaluate(fill)));
};

/** The operand is the offset from the first byte, as in GNU as. */
const org: Directive = ([operand = ''], { evaluate, offset, emit }) => {
  const target = evaluate(operand);
  if (target < BigInt(offset))
    throw new OperandError(`.org ${target} lies behind: ${offset} bytes are written`);
  if (target > MAX_PADDING) throw new OperandError(`.org ${target} is too far away`);
  emit(new Uint8Array(Number(target) - offset));
};

function string(terminator: readonly number[]): Directive {
  return (operands, { emit }) => {
    for (const operand of operands) {
      const match = /^"(.*)"$/s.exec(operand);
      if (match === null) throw new OperandError(`'${operand}' is not a string in double quotes`);
      emit(new TextEncoder().encode(unescapeText(match[1])));
      emit(terminator);
    }
  };
}

const equ: Directive = (operands, { evaluate, define }) => {
  const [symbol = '', value = ''] = operands;
  if (operands.length !== 2 || !/^[A-Za-z_.$][\w.$]*$/.test(symbol)) {
    throw new OperandError('expected a symbol and a value');
  }
  define(symbol, evaluate(value));
};

/** Directives by name. Those about sections and symbols of object files mean nothing here and are ignored. */
export const directives: ReadonlyMap<string, Directive> = new Map([
  ['.byte', data(1)],
  ['.half', data(2)],
  ['.short', data(2)],
  ['.2byte', data(2)],
  ['.word', data(4)],
  ['.4byte', data(4)],
  ['.dword', data(8)],
  ['.quad', data(8)],
  ['.8byte', data(8)],
  ['.align', align((exponent) => (exponent < 0n || exponent > 26n ? 0n : 1n << exponent))],
  ['.p2align', align((exponent) => (exponent < 0n || exponent > 26n ? 0n : 1n << exponent))],
  ['.balign', align((bytes) => bytes)],
  ['.zero', zero],
  ['.space', zero],
  ['.skip', zero],
  ['.org', org],
  ['.ascii', string([])],
  ['.asciz', string([0])],
  ['.string', string([0])],
  ['.equ', equ],
  ['.set', equ],
  ...['.globl', '.global', '.text', '.option', '.type', '.size', '.local'].map(
    (name): [string, Directive] => [name, ignore],
  ),
]);

/** The RISC-V instructions of litmus tests, from their text. */
import { InputError } from '../../errors/input-error.ts';
import {
  type AluOperation,
  type AmoOperation,
  type BranchTest,
  FENCE_FULL,
  FENCE_TSO,
  type FenceOrder,
  type Instruction,
  type Order,
  READS,
  WRITES,
} from './program.ts';

const ABI_NAMES = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5'],
  ...['a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

/** The number of a register given as `x7` or `t2`, or -1. */
export function registerNumber(name: string): number {
  const match = /^x(\d+)$/.exec(name);
  if (match !== null) return Number(match[1]) < 32 ? Number(match[1]) : -1;
  return name === 'fp' ? 8 : ABI_NAMES.indexOf(name);
}

const AMO_OPERATIONS: readonly string[] = ['swap', 'add', 'and', 'or', 'xor', 'min', 'max', 'minu', 'maxu'];
const ALU_OPERATIONS: readonly string[] = ['add', 'sub', 'and', 'or', 'xor', 'sll', 'srl', 'slt', 'sltu'];
const BRANCH_TESTS: readonly string[] = ['eq', 'ne', 'lt', 'ge', 'ltu', 'geu'];

export interface AssemblyOptions {
  /**
   * The meaning of `lw.aq` and `sw.rl`: RCsc as Zalasr defines them, or RCpc as the published suite of 2017-2019 and
   * herd's model took them before that extension existed. Default `rcsc`.
   */
  readonly plainAnnotations?: 'rcsc' | 'rcpc';
}

/**
 * @param text one instruction without its label.
 * @param target gives the index of a label's instruction.
 * @throws InputError for an instruction that the models do not know.
 */
export function parseInstruction(
  text: string,
  target: (label: string) => number,
  options: AssemblyOptions = {},
): Instruction {
  const [, mnemonic = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
  const operands = rest === '' ? [] : rest.split(',').map((one) => one.trim());
  const line = new Line(text, operands);
  return (
    memoryInstruction(mnemonic, line, options) ??
    controlInstruction(mnemonic, line, target) ??
    aluInstruction(mnemonic, line)
  );
}

class Line {
  readonly text: string;
  readonly operands: readonly string[];

  constructor(text: string, operands: readonly string[]) {
    this.text = text;
    this.operands = operands;
  }

  fail(why: string): never {
    throw new InputError(`'${this.text}': ${why}`);
  }

  operand(index: number): string {
    return this.operands[index] ?? this.fail(`operand ${index + 1} is missing`);
  }

  register(index: number): number {
    const number = registerNumber(this.operand(index));
    return number >= 0 ? number : this.fail(`'${this.operand(index)}' is no integer register`);
  }

  immediate(index: number): number {
    return numberOf(this.operand(index)) ?? this.fail(`'${this.operand(index)}' is no 32-bit number`);
  }

  /** `8(x6)` or `(x6)` */
  address(index: number): { base: number; offset: number } {
    const match = /^(-?\w*)\((\w+)\)$/.exec(this.operand(index));
    const base = match === null ? -1 : registerNumber(match[2]);
    const offset = match === null || match[1] === '' ? 0 : numberOf(match[1]);
    if (base < 0 || offset === undefined) return this.fail(`'${this.operand(index)}' is no address`);
    return { base, offset };
  }
}

/** A decimal or hexadecimal number of 32 bits, or undefined. */
export function numberOf(text: string): number | undefined {
  if (!/^-?(0x[\da-f]+|\d+)$/i.test(text)) return undefined;
  const value = text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
  return value >= -0x80000000 && value <= 0x7fffffff ? value : undefined;
}

function memoryInstruction(mnemonic: string, line: Line, options: AssemblyOptions): Instruction | undefined {
  const match = /^(?:(l|s)|(lr|sc)\.|amo([a-z]+)\.)(w|d)((?:\.?(?:aqrl|aq|rl))*)$/.exec(mnemonic);
  if (match === null) return undefined;
  const [, plain, reserved, amo, size, annotations] = match;
  const order: Order = {
    acquire: annotations.includes('aq'),
    release: annotations.includes('rl'),
    rcsc: plain === undefined || options.plainAnnotations !== 'rcpc',
  };
  const width = size === 'w' ? 4 : 8;
  const common = (index: number) => ({ ...line.address(index), width, order });
  if (plain === 'l') return { kind: 'load', rd: line.register(0), ...common(1) };
  if (plain === 's') return { kind: 'store', data: line.register(0), ...common(1) };
  if (reserved === 'lr') return { kind: 'load-reserved', rd: line.register(0), ...common(1) };
  const registers = { rd: line.register(0), data: line.register(1) };
  if (reserved === 'sc') return { kind: 'store-conditional', ...registers, ...common(2) };
  if (!isOneOf<AmoOperation>(AMO_OPERATIONS, amo)) return undefined;
  return { kind: 'amo', operation: amo, ...registers, ...common(2) };
}

function controlInstruction(
  mnemonic: string,
  line: Line,
  target: (label: string) => number,
): Instruction | undefined {
  const test = mnemonic.slice(1);
  if (mnemonic.startsWith('b') && isOneOf<BranchTest>(BRANCH_TESTS, test)) {
    return {
      kind: 'branch',
      test,
      left: line.register(0),
      right: line.register(1),
      target: target(line.operand(2)),
    };
  }
  switch (mnemonic) {
    case 'beqz':
    case 'bnez':
      return {
        kind: 'branch',
        test: mnemonic === 'beqz' ? 'eq' : 'ne',
        left: line.register(0),
        right: 0,
        target: target(line.operand(1)),
      };
    case 'j':
      return { kind: 'jump', target: target(line.operand(0)) };
    case 'jalr':
      return {
        kind: 'jump-register',
        rd: line.register(0),
        base: line.register(1),
        offset: line.immediate(2),
      };
    case 'fence':
      return { kind: 'fence', orders: line.operands.length === 0 ? FENCE_FULL : fenceOrders(line) };
    case 'fence.tso':
      return { kind: 'fence', orders: FENCE_TSO };
    case 'fence.i':
      // Orders instruction fetches; loads and stores keep no order by it.
      return { kind: 'fence', orders: [] };
    default:
      return undefined;
  }
}

function fenceOrders(line: Line): readonly FenceOrder[] {
  const [before, after] = [0, 1].map((index) => {
    const text = line.operand(index);
    if (!/^[iorw]+$/.test(text)) return line.fail(`'${text}' is no set of a fence`);
    return (text.includes('r') ? READS : 0) | (text.includes('w') ? WRITES : 0);
  });
  return [{ before, after }];
}

function aluInstruction(mnemonic: string, line: Line): Instruction {
  if (mnemonic === 'nop') return { kind: 'fence', orders: [] };
  if (mnemonic === 'li' || mnemonic === 'mv') {
    const [left, right] = mnemonic === 'li' ? [0, line.immediate(1)] : [line.register(1), 0];
    return { kind: 'alu', operation: 'add', rd: line.register(0), left, right: { immediate: right } };
  }
  const name = mnemonic === 'sltiu' ? 'sltui' : mnemonic;
  const isImmediate = name.endsWith('i');
  const operation = isImmediate ? name.slice(0, -1) : name;
  if (!isOneOf<AluOperation>(ALU_OPERATIONS, operation)) {
    return line.fail(`the memory models do not know the instruction '${mnemonic}'`);
  }
  const right = isImmediate ? { immediate: line.immediate(2) } : { register: line.register(2) };
  return { kind: 'alu', operation, rd: line.register(0), left: line.register(1), right };
}

function isOneOf<T extends string>(names: readonly string[], name: string): name is T {
  return names.includes(name);
}

/**
 * Runs compiled RISC-V functions one instruction after the other, and tells what each does to some of the memory, with
 * its annotations, and every fence. It knows the integer instructions that compilers use for small functions.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createDecoder, type Decode } from '../../src/isa/index.ts';
import type { Decoded, Extension, Xlen } from '../../src/isa/instruction.ts';

/** Compiled functions at address 0 of a memory of their own. */
export interface CompiledCode {
  readonly xlen: Xlen;
  readonly bytes: Uint8Array;
  readonly entries: ReadonlyMap<string, number>;
}

/** One instruction that orders, or accesses, shared memory. */
export type TraceItem =
  | { readonly is: 'fence'; readonly before: number; readonly after: number }
  | {
      readonly is: 'load' | 'store' | 'or' | 'and';
      readonly address: number;
      /** The operand of an AMO, or the value of a store; 0 for a load. */
      readonly operand: number;
      readonly acquire: boolean;
      readonly release: boolean;
    };

/** Reads what the linker has made of functions without data. */
export function readCode(elf: string, xlen: Xlen, prefix: string): CompiledCode {
  const binary = `${elf}.bin`;
  execFileSync(`${prefix}objcopy`, ['-O', 'binary', '-j', '.text', elf, binary]);
  const symbols = execFileSync(`${prefix}nm`, [elf], { encoding: 'utf8' });
  const entries = new Map<string, number>();
  for (const [, address, name] of symbols.matchAll(/^([0-9a-f]+) T (\w+)$/gm)) {
    entries.set(name, Number.parseInt(address, 16));
  }
  return { xlen, bytes: readFileSync(binary), entries };
}

const extensions: ReadonlySet<Extension> = new Set<Extension>(['i', 'm', 'a', 'c']);
const DECODERS = {
  32: createDecoder({ extensions, xlen: 32 }),
  64: createDecoder({ extensions, xlen: 64 }),
} as const;

/** Where a function returns to. */
const RETURN = 0x7000_0000;
const STACK = 0x1_0000;
/** Functions may have loops, but not such ones. */
const MOST_INSTRUCTIONS = 10_000;

const RA = 1;
const SP = 2;
const A0 = 10;

/** A call of a compiled function. */
export interface CodeCall {
  readonly name: string;
  readonly operands: readonly number[];
  /** Data, which lies behind the code. */
  readonly data: DataView;
  readonly dataAddress: number;
  /** Bytes of the data that are shared; only accesses to them are recorded. */
  readonly sharedBytes: number;
  /** Comes before every shared access. */
  readonly meddle: (data: DataView, access: number) => void;
}

/** Calls a function. @returns its result as an unsigned number of 32 bits, and what it did. */
export function traceCall(
  code: CompiledCode,
  call: CodeCall,
): { readonly result: number; readonly trace: readonly TraceItem[] } {
  const run = new Run(code, call);
  return { result: run.run(), trace: run.trace };
}

class Run {
  readonly trace: TraceItem[] = [];
  readonly #code: CompiledCode;
  readonly #call: CodeCall;
  readonly #x = new Array<bigint>(32).fill(0n);
  readonly #stack = new DataView(new ArrayBuffer(STACK));
  readonly #decode: Decode;
  #pc: number;
  #accesses = 0;

  constructor(code: CompiledCode, call: CodeCall) {
    this.#code = code;
    this.#call = call;
    this.#decode = DECODERS[code.xlen];
    const entry = code.entries.get(call.name);
    if (entry === undefined) throw new Error(`no function ${call.name}`);
    this.#pc = entry;
    this.#x[RA] = BigInt(RETURN);
    // The top of the stack, which has the addresses below 0 of the data.
    this.#x[SP] = BigInt(call.dataAddress - 64);
    for (const [index, operand] of call.operands.entries()) this.#set(A0 + index, BigInt(operand | 0));
  }

  run(): number {
    const code = new DataView(this.#code.bytes.buffer, this.#code.bytes.byteOffset, this.#code.bytes.length);
    for (let count = 0; this.#pc !== RETURN; count++) {
      if (count === MOST_INSTRUCTIONS) throw new Error(`${this.#call.name} does not return`);
      const half = code.getUint16(this.#pc, true);
      const bits = (half & 3) === 3 ? code.getUint32(this.#pc, true) : half;
      const decoded = this.#decode(bits);
      if (decoded === undefined) throw new Error(`no instruction: ${bits.toString(16)}`);
      this.#pc = this.#execute(decoded);
    }
    return Number(BigInt.asUintN(32, this.#x[A0]));
  }

  #set(register: number, value: bigint): void {
    if (register !== 0) this.#x[register] = BigInt.asIntN(this.#code.xlen, value);
  }

  /** @returns the next address. */
  #execute(decoded: Decoded): number {
    const { instruction, length, rd, rs1, rs2, imm, rm } = decoded;
    const { name } = instruction;
    const next = this.#pc + length;
    const [left, right] = [this.#x[rs1], this.#x[rs2]];
    const address = Number(BigInt.asUintN(this.#code.xlen, left)) + imm;
    const memory = /^(l|s)(b|h|w|d)(u?)$/.exec(name);
    if (memory !== null) {
      const bits = { b: 8, h: 16, w: 32, d: 64 }[memory[2]] ?? 0;
      if (memory[1] === 's') this.#store(address, bits, right);
      else this.#set(rd, this.#load(address, bits, memory[3] === 'u'));
      return next;
    }
    const amo = /^amo(or|and)\.w$/.exec(name);
    if (amo !== null) {
      this.#set(rd, this.#amo(amo[1] === 'or' ? 'or' : 'and', address, right, rm));
      return next;
    }
    if (name === 'fence') {
      this.trace.push({ is: 'fence', before: (imm >> 4) & 15, after: imm & 15 });
      return next;
    }
    if (name === 'jal' || name === 'jalr') {
      this.#set(rd, BigInt(next));
      return name === 'jal' ? this.#pc + imm : address & ~1;
    }
    if (name in BRANCHES) return BRANCHES[name](left, right, this.#code.xlen) ? this.#pc + imm : next;
    this.#set(rd, this.#computed(name, left, right, imm));
    return next;
  }

  #computed(name: string, left: bigint, right: bigint, imm: number): bigint {
    if (name === 'lui') return BigInt(imm);
    if (name === 'auipc') return BigInt(this.#pc + imm);
    const isWord = this.#code.xlen === 64 && name.endsWith('w');
    const plain = isWord ? name.slice(0, -1) : name;
    const operation = OPERATIONS[plain] ?? OPERATIONS[plain.replace(/i(u?)$/, '$1')];
    if (operation === undefined) throw new Error(`cannot execute ${name}`);
    const second = OPERATIONS[plain] === undefined ? BigInt(imm) : right;
    const width = isWord ? 32 : this.#code.xlen;
    const value = operation(BigInt.asIntN(width, left), BigInt.asIntN(width, second), width);
    return BigInt.asIntN(width, value);
  }

  #place(address: number): { readonly view: DataView; readonly at: number; readonly isShared: boolean } {
    const { data, dataAddress, sharedBytes } = this.#call;
    const at = address - dataAddress;
    if (at >= 0 && at < data.byteLength) return { view: data, at, isShared: at < sharedBytes };
    if (at < 0 && at >= -STACK) return { view: this.#stack, at: at + STACK, isShared: false };
    throw new Error(`an access to ${address.toString(16)}`);
  }

  #load(address: number, bits: number, isUnsigned: boolean): bigint {
    const { view, at, isShared } = this.#place(address);
    if (isShared) this.#record('load', at, bits, 0n, 0);
    let value = 0n;
    for (let byte = bits / 8 - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(view.getUint8(at + byte));
    return isUnsigned ? value : BigInt.asIntN(bits, value);
  }

  #store(address: number, bits: number, value: bigint): void {
    const { view, at, isShared } = this.#place(address);
    if (isShared) this.#record('store', at, bits, value, 0);
    for (let byte = 0; byte < bits / 8; byte++)
      view.setUint8(at + byte, Number((value >> BigInt(8 * byte)) & 0xffn));
  }

  #amo(kind: 'or' | 'and', address: number, operand: bigint, ordering: number): bigint {
    const { view, at, isShared } = this.#place(address);
    if (!isShared) throw new Error('an AMO on what is not shared');
    this.#record(kind, at, 32, operand, ordering);
    const old = view.getInt32(at, true);
    const bits = Number(BigInt.asIntN(32, operand));
    view.setInt32(at, kind === 'or' ? old | bits : old & bits, true);
    return BigInt(old);
  }

  #record(
    is: 'load' | 'store' | 'or' | 'and',
    at: number,
    bits: number,
    value: bigint,
    ordering: number,
  ): void {
    if (bits !== 32) throw new Error(`a shared access of ${bits} bits`);
    this.#call.meddle(this.#call.data, this.#accesses++);
    const operand = Number(BigInt.asIntN(32, value));
    const [acquire, release] = [(ordering & 2) !== 0, (ordering & 1) !== 0];
    this.trace.push({ is, address: at, operand, acquire, release });
  }
}

const BRANCHES: Readonly<Record<string, (left: bigint, right: bigint, xlen: number) => boolean>> = {
  beq: (left, right) => left === right,
  bne: (left, right) => left !== right,
  blt: (left, right) => left < right,
  bge: (left, right) => left >= right,
  bltu: (left, right, xlen) => BigInt.asUintN(xlen, left) < BigInt.asUintN(xlen, right),
  bgeu: (left, right, xlen) => BigInt.asUintN(xlen, left) >= BigInt.asUintN(xlen, right),
};

type Computation = (left: bigint, right: bigint, width: number) => bigint;

const shiftOf = (right: bigint, width: number): bigint => right & BigInt(width - 1);

const OPERATIONS: Readonly<Record<string, Computation | undefined>> = {
  add: (left, right) => left + right,
  sub: (left, right) => left - right,
  and: (left, right) => left & right,
  or: (left, right) => left | right,
  xor: (left, right) => left ^ right,
  sll: (left, right, width) => left << shiftOf(right, width),
  srl: (left, right, width) => BigInt.asUintN(width, left) >> shiftOf(right, width),
  sra: (left, right, width) => left >> shiftOf(right, width),
  slt: (left, right) => (left < right ? 1n : 0n),
  sltu: (left, right, width) => (BigInt.asUintN(width, left) < BigInt.asUintN(width, right) ? 1n : 0n),
};

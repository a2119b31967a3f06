import { effectsOf, type RegisterClass } from '../isa/index.ts';
import { type FunctionBuilder, f64, type I64, i64, type Local } from '../wasm/index.ts';
import type { Graph } from './graph.ts';
import type { HartLayout } from './hart-layout.ts';

const OPERANDS = ['rs1', 'rs2', 'rs3', 'rd'] as const;

/** One register file of the guest, as far as a region uses it: each register has a local. */
class RegisterFile<T extends 'i64' | 'f64'> {
  readonly #class: RegisterClass;
  readonly #type: T;
  readonly #offset: number;
  readonly #locals = new Map<number, Local<T>>();
  readonly #written = new Set<number>();

  constructor(registerClass: RegisterClass, type: T, offset: number) {
    this.#class = registerClass;
    this.#type = type;
    this.#offset = offset;
  }

  /** Notes what the instructions use. */
  scan(graph: Graph, f: FunctionBuilder): void {
    for (const { code } of graph.blocks) {
      for (const { decoded } of code) {
        const { registers } = decoded.instruction.format;
        for (const operand of OPERANDS) {
          const register = decoded[operand];
          if (registers[operand] !== this.#class || (this.#class === 'x' && register === 0)) continue;
          if (!this.#locals.has(register)) this.#locals.set(register, f.local(this.#type));
          if (operand === 'rd') this.#written.add(register);
        }
      }
    }
  }

  load(f: FunctionBuilder, hart: Local<'i32'>): void {
    for (const [register, local] of this.#locals) {
      const at = this.#offset + register * 8;
      if (local.type === 'i64') f.set(local as Local, i64.load(hart, at));
      else f.set(local as Local, f64.load(hart, at));
    }
  }

  store(f: FunctionBuilder, hart: Local<'i32'>): void {
    for (const register of this.#written) {
      f.store(`${this.#type}.store`, hart, this.local(register), this.#offset + register * 8);
    }
  }

  local(register: number): Local<T> {
    const local = this.#locals.get(register);
    if (local === undefined) throw new Error(`${this.#class}${register} was not found in the region`);
    return local;
  }
}

/** The guest's registers while a region runs: in locals, read at its entry and written back at its exits. */
export class Registers {
  readonly #x: RegisterFile<'i64'>;
  readonly #f: RegisterFile<'f64'>;
  /** Some instruction uses floating-point registers or flags. */
  readonly usesFloat: boolean;

  constructor(graph: Graph, f: FunctionBuilder, { field }: HartLayout) {
    this.#x = new RegisterFile('x', 'i64', field.x);
    this.#f = new RegisterFile('f', 'f64', field.f);
    this.#x.scan(graph, f);
    this.#f.scan(graph, f);
    this.usesFloat = graph.blocks.some(({ code }) =>
      code.some(({ decoded }) => effectsOf(decoded.instruction).usesFloat),
    );
  }

  load(f: FunctionBuilder, hart: Local<'i32'>): void {
    this.#x.load(f, hart);
    this.#f.load(f, hart);
  }

  store(f: FunctionBuilder, hart: Local<'i32'>): void {
    this.#x.store(f, hart);
    this.#f.store(f, hart);
  }

  /** An integer register as an operand. */
  x(register: number): I64 {
    return register === 0 ? i64.const(0) : this.#x.local(register);
  }

  /** An integer register to be written; not x0. */
  xLocal(register: number): Local<'i64'> {
    return this.#x.local(register);
  }

  /** All 64 bits of a floating-point register; doubles are what most of them hold. */
  f(register: number): I64 {
    return i64.reinterpret_f64(this.#f.local(register));
  }

  setF(f: FunctionBuilder, register: number, bits: I64): void {
    f.set(this.#f.local(register), f64.reinterpret_i64(bits));
  }
}

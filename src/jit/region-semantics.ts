import { AtomicCode, countPause } from '../codegen/index.ts';
import type { FloatFunctions } from '../float/float.ts';
import type { Instruction, Semantics, Xlen } from '../isa/index.ts';
import {
  ConstHole,
  type FunctionBuilder,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  Local,
  localHole,
} from '../wasm/index.ts';
import { addressHole, FRAME, HOLE, registerHole, setRegister } from './frame-locals.ts';
import type { HartLayout } from './hart-layout.ts';
import { MemoryCode } from './memory-code.ts';
import { QuickFloat } from './quick-float.ts';
import { SHAPE } from './traits.ts';

/** Value of the rm field that selects fcsr.frm. */
const DYNAMIC = 7;

/** The setting that all code of a compiler has in common. */
export interface Setting {
  readonly xlen: Xlen;
  readonly layout: HartLayout;
  readonly float: FloatFunctions;
  /** No other thread works in the guest's memory. */
  readonly alone: boolean;
}

/**
 * The compiler's back end: records the code of an instruction of some shape, with holes for the locals of its
 * registers, its immediate and where it is. A branch leaves its condition on the stack, an indirect jump its target in
 * a local.
 */
export class RegionSemantics implements Semantics {
  readonly #f: FunctionBuilder;
  readonly #setting: Setting;
  readonly #instruction: Instruction;
  readonly #shape: number;
  readonly rs1: I64;
  readonly rs2: I64;
  readonly imm: I64;
  readonly memory: MemoryCode;

  /** @param shape see {@link SHAPE} */
  constructor(f: FunctionBuilder, setting: Setting, instruction: Instruction, shape: number) {
    this.#f = f;
    this.#setting = setting;
    this.#instruction = instruction;
    this.#shape = shape;
    this.rs1 = this.#operand('rs1', 'x');
    this.rs2 = this.#operand('rs2', 'x');
    this.imm = this.#has('imm') ? i64.const(0) : new ConstHole('i64', HOLE.imm);
    const atomics = new AtomicCode(f, FRAME.hart, setting.layout.field, setting.alone);
    this.memory = new MemoryCode(f, setting.layout, atomics, setting.xlen, this.#has('far'));
  }

  get pc(): I64 {
    return addressHole(HOLE.pc, this.#has('pc'));
  }

  get nextPc(): I64 {
    return addressHole(HOLE.nextPc, this.#has('nextPc'));
  }

  get rd(): Semantics['rd'] {
    return {
      value: this.#operand('rd', 'x'),
      set: (value) => {
        if (this.#has('words')) this.#f.set(localHole('i64', HOLE.rd), i64.extend_i32_s(value.narrowed()));
        else if (!this.#has('rd')) setRegister(this.#f, this.#setting.xlen, HOLE.rd, value);
        else if (!(value instanceof Local)) this.#f.drop(value);
      },
    };
  }

  readonly let: Semantics['let'] = (value) => this.#f.let(value);

  get float(): QuickFloat {
    const f = this.#f;
    const { layout, float } = this.#setting;
    const { field } = layout;
    const rm = Math.floor(this.#shape / SHAPE.rm) & 7;
    const state = {
      f,
      functions: float,
      flags: i32.add(FRAME.hart, i32.const(field.fflags)),
      operands: {
        rs1: this.#operand('rs1', 'f'),
        rs2: this.#operand('rs2', 'f'),
        rs3: this.#operand('rs3', 'f'),
      },
      write: (bits: I64) => f.set(localHole('f64', HOLE.rd), f64.reinterpret_i64(bits)),
      markDirty: () => f.store('i32.store', FRAME.hart, i32.const(1), field.floatDirty),
      roundingMode: () => (rm === DYNAMIC ? i32.load(FRAME.hart, field.frm) : i32.const(rm)),
    };
    return new QuickFloat(state, FRAME, rm);
  }

  readonly branch = (condition: I32): void =>
    this.#f.push(this.#setting.xlen === 64 ? condition : condition.ofWords());

  /** Where to is known from the block's end. */
  readonly jump = (): void => undefined;

  readonly jumpTo = (target: I64): void => this.#f.set(FRAME.target, target);

  readonly pause = (): void => countPause(this.#f, FRAME.hart, this.#setting.layout.field.pauses);

  readonly system = (): never => {
    throw new Error(`${this.#instruction.name} is not for compiled code`);
  };

  #has(what: Exclude<keyof typeof SHAPE, 'rm' | 'count'>): boolean {
    return (this.#shape & SHAPE[what]) !== 0;
  }

  /** A register as an operand: all 64 bits; nothing if it is of the other file. */
  #operand(name: 'rs1' | 'rs2' | 'rs3' | 'rd', file: 'x' | 'f'): I64 {
    if (this.#instruction.format.registers[name] !== file) return i64.const(0);
    if (file === 'f') return i64.reinterpret_f64(localHole('f64', HOLE[name]));
    const isZero = name !== 'rs3' && this.#has(name);
    if (!isZero && this.#has('words')) return i64.extend_i32_s(i32.wrap_i64(localHole('i64', HOLE[name])));
    return registerHole(this.#setting.xlen, HOLE[name], isZero);
  }
}

import type { Semantics } from '../isa/index.ts';
import { type I32, type I64, i32, i64, Local } from '../wasm/index.ts';
import type { AccessGroups } from './access-groups.ts';
import { AtomicCode } from './atomic-code.ts';
import type { FloatFrame } from './float-code.ts';
import type { Placed } from './graph.ts';
import { MemoryCode } from './memory-code.ts';
import { QuickFloat } from './quick-float.ts';
import type { RegionParts } from './region-parts.ts';

/** Value of the rm field that selects fcsr.frm. */
const DYNAMIC = 7;

/** What the last instruction of a block does. */
export interface Control {
  branch(condition: I32): void;
  jumpTo(target: I64): void;
}

/** The compiler's back end: registers in locals, one instruction after the other ({@link at}). */
export class RegionSemantics implements Semantics {
  readonly #parts: RegionParts;
  readonly #memory: MemoryCode;
  #control: Control | undefined;
  #placed: Placed;
  rs1: I64 = i64.const(0);
  rs2: I64 = i64.const(0);
  imm: I64 = i64.const(0);

  constructor(parts: RegionParts, first: Placed) {
    this.#parts = parts;
    this.#placed = first;
    const { frame, layout } = parts;
    this.#memory = new MemoryCode(
      frame,
      layout,
      new AtomicCode(frame.f, frame.hart, layout.field, parts.alone),
    );
  }

  /** Turns to the instruction at an index of a block; `control` is given for the last one. */
  at(code: readonly Placed[], index: number, groups: AccessGroups, control: Control | undefined): this {
    const { registers } = this.#parts;
    const placed = code[index];
    const { rs1, rs2, imm, instruction } = placed.decoded;
    const classes = instruction.format.registers;
    this.#placed = placed;
    this.#control = control;
    this.rs1 = classes.rs1 === 'x' ? registers.x(rs1) : i64.const(0);
    this.rs2 = classes.rs2 === 'x' ? registers.x(rs2) : i64.const(0);
    this.imm = i64.const(imm);
    this.#memory.at(placed.offset, code.length - index, groups[index], this.rs1, imm);
    return this;
  }

  get pc(): I64 {
    return this.#parts.frame.address(this.#placed.offset);
  }

  get nextPc(): I64 {
    return this.#parts.frame.address(this.#placed.offset + this.#placed.decoded.length);
  }

  readonly rd = {
    set: (value: I64): void => {
      const { frame, registers } = this.#parts;
      const { rd } = this.#placed.decoded;
      if (rd !== 0) frame.f.set(registers.xLocal(rd), value);
      else if (!(value instanceof Local)) frame.f.drop(value);
    },
  };

  readonly let: Semantics['let'] = (value) => this.#parts.frame.f.let(value);

  get memory(): MemoryCode {
    return this.#memory;
  }

  get float(): QuickFloat {
    const { frame, registers, layout, float } = this.#parts;
    const { f, hart } = frame;
    const { field } = layout;
    const { decoded } = this.#placed;
    const classes = decoded.instruction.format.registers;
    const operand = (name: 'rs1' | 'rs2' | 'rs3'): I64 =>
      classes[name] === 'f' ? registers.f(decoded[name]) : i64.const(0);
    const state: FloatFrame = {
      f,
      functions: float,
      flags: i32.add(hart, i32.const(field.fflags)),
      operands: { rs1: operand('rs1'), rs2: operand('rs2'), rs3: operand('rs3') },
      write: (bits) => registers.setF(f, decoded.rd, bits),
      markDirty: () => f.store('i32.store', hart, i32.const(1), field.floatDirty),
      roundingMode: () => (decoded.rm === DYNAMIC ? i32.load(hart, field.frm) : i32.const(decoded.rm)),
    };
    return new QuickFloat(state, frame.float, decoded.rm);
  }

  readonly branch = (condition: I32): void => this.#end().branch(condition);

  /** Where to is known from the block's end. */
  readonly jump = (): void => {
    this.#end();
  };

  readonly jumpTo = (target: I64): void => this.#end().jumpTo(target);

  readonly system = (): never => {
    throw new Error(`${this.#placed.decoded.instruction.name} is not for compiled code`);
  };

  #end(): Control {
    if (this.#control === undefined) throw new Error('a jump in the middle of a block');
    return this.#control;
  }
}

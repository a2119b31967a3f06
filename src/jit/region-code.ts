import type { FloatFunctions } from '../float/float.ts';
import { effectsOf, type Semantics } from '../isa/index.ts';
import { type Expr, type I32, type I64, i32, i64, type Label, Local } from '../wasm/index.ts';
import { type AccessGroups, groupAccesses } from './access-groups.ts';
import { AtomicCode } from './atomic-code.ts';
import { FloatCode } from './float-code.ts';
import { analyseFlow, type Dominates, type Flow, isRetreating } from './flow.ts';
import type { Block, Graph, Placed, Target } from './graph.ts';
import type { HartLayout } from './hart-layout.ts';
import { MemoryCode } from './memory-code.ts';
import type { RegionFrame } from './region-frame.ts';
import type { Registers } from './registers.ts';

const LAST_ROUNDING_MODE = 4;
/** Value of the rm field that selects fcsr.frm. */
const DYNAMIC = 7;

/** What the code of a region is generated into and from. */
export interface RegionParts {
  readonly frame: RegionFrame;
  readonly layout: HartLayout;
  readonly registers: Registers;
  readonly float: FloatFunctions;
}

/**
 * Writes the blocks of a region as structured code: a loop for each loop of the guest, a block for each place where ways
 * meet (Ramsey, "Beyond Relooper"). A jump into the middle of a loop has no such form and leaves the region.
 */
export class RegionCode {
  readonly #parts: RegionParts;
  readonly #flow: Flow;
  readonly #dominates: Dominates;
  readonly #memory: MemoryCode;
  readonly #labels = new Map<Block, Label>();

  constructor(graph: Graph, parts: RegionParts) {
    this.#parts = parts;
    const { flow, dominates } = analyseFlow(graph);
    this.#flow = flow;
    this.#dominates = dominates;
    const { frame, layout } = parts;
    this.#memory = new MemoryCode(frame, layout, new AtomicCode(frame.f, frame.hart, layout.field));
  }

  /** Writes a block and all that it dominates. */
  tree(block: Block): void {
    const { f } = this.#parts.frame;
    const { dominated, isMerge, isLoopHeader } = this.#flow;
    const merges = dominated[block.index].filter(({ index }) => isMerge[index]);
    if (!isLoopHeader[block.index]) {
      this.#within(block, merges);
      return;
    }
    f.loop((label) => {
      this.#labels.set(block, label);
      this.#within(block, merges);
    });
  }

  /** Writes a block inside of the wasm blocks whose ends are the places where its ways meet again; the last is outermost. */
  #within(block: Block, merges: readonly Block[]): void {
    const last = merges.at(-1);
    if (last === undefined) {
      this.#block(block);
      return;
    }
    this.#parts.frame.f.block((label) => {
      this.#labels.set(last, label);
      this.#within(block, merges.slice(0, -1));
    });
    this.tree(last);
  }

  /** Goes on at a target; `source` is the address of the jump. */
  #go(from: Block, { block, offset, jumped }: Target): void {
    const { frame } = this.#parts;
    const source = from.code.at(-1)?.offset ?? offset;
    if (block === undefined || (isRetreating(this.#flow, from, block) && !this.#dominates(block, from))) {
      if (jumped) frame.jumpOut(offset);
      else frame.goOn(offset);
      return;
    }
    // Every way round a loop has a jump to a lower address.
    if (jumped && offset <= source) frame.f.if(frame.isSpent, () => frame.jumpOut(offset));
    if (isRetreating(this.#flow, from, block) || this.#flow.isMerge[block.index]) {
      const label = this.#labels.get(block);
      if (label === undefined) throw new Error('a jump to a block that is not around');
      frame.f.br(label);
    } else {
      this.tree(block);
    }
  }

  #block(block: Block): void {
    const { frame } = this.#parts;
    frame.spend(block.code.length);
    this.#checkFloat(block);
    const groups = groupAccesses(block.code);
    const last = block.code.length - 1;
    for (let index = 0; index < last; index++) this.#instruction(block, index, groups);
    this.#last(block, last, groups);
  }

  /** Floating-point instructions are illegal while FS is off or the dynamic rounding mode is reserved. */
  #checkFloat({ code }: Block): void {
    const first = code.findIndex(({ decoded }) => decoded.instruction.needsFloat);
    const { frame, layout } = this.#parts;
    const { f, hart } = frame;
    if (first < 0) return;
    const modeIsReserved = i32.gt_u(i32.load(hart, layout.field.frm), i32.const(LAST_ROUNDING_MODE));
    const illegal = i32.or(i32.load(hart, layout.field.floatOff), modeIsReserved);
    f.if(illegal, () => frame.resume(code[0].offset, code.length));
  }

  #instruction(block: Block, index: number, groups: AccessGroups): void {
    const { frame } = this.#parts;
    const never = (): never => {
      throw new Error('a jump in the middle of a block');
    };
    const { instruction, rd } = block.code[index].decoded;
    if (effectsOf(instruction).pure && rd === 0) return;
    instruction.semantics({
      ...this.#operands(block.code, index, groups),
      branch: never,
      jump: never,
      jumpTo: never,
    });
    void frame;
  }

  #last(block: Block, index: number, groups: AccessGroups): void {
    const { frame } = this.#parts;
    const { end } = block;
    const { instruction } = block.code[index].decoded;
    const operands = this.#operands(block.code, index, groups);
    switch (end.kind) {
      case 'branch':
        instruction.semantics({
          ...operands,
          branch: (condition: I32) => {
            frame.f.if(condition, () => this.#go(block, end.taken));
            this.#go(block, end.otherwise);
          },
        });
        return;
      case 'indirect':
        instruction.semantics({
          ...operands,
          jumpTo: (target: I64) => this.#indirect(block, target, end.expected),
        });
        return;
      default:
        instruction.semantics({ ...operands, jump: () => undefined });
        if (end.kind === 'go') this.#go(block, end.to);
        else frame.goOn(end.offset);
    }
  }

  #indirect(block: Block, target: I64, expected: Target | undefined): void {
    const { frame } = this.#parts;
    if (expected === undefined) {
      frame.jumpTo(target);
      return;
    }
    const named = frame.f.let(target);
    frame.f.if(i64.ne(named, frame.address(expected.offset)), () => frame.jumpTo(named));
    this.#go(block, expected);
  }

  #operands(code: readonly Placed[], index: number, groups: AccessGroups): Semantics {
    const { frame, registers } = this.#parts;
    const { f } = frame;
    const { offset, decoded } = code[index];
    const { rs1, rs2, rd, imm, length, instruction } = decoded;
    const isInteger = (operand: 'rs1' | 'rs2') => instruction.format.registers[operand] === 'x';
    const base = isInteger('rs1') ? registers.x(rs1) : i64.const(0);
    const group = groups[index];
    const never = (): never => {
      throw new Error(`${instruction.name} is not for compiled code`);
    };
    const leave = () => frame.resume(offset, code.length - index);
    return {
      rs1: base,
      rs2: isInteger('rs2') ? registers.x(rs2) : i64.const(0),
      imm: i64.const(imm),
      pc: frame.address(offset),
      nextPc: frame.address(offset + length),
      rd: {
        set: (value: I64) => {
          if (rd !== 0) f.set(registers.xLocal(rd), value);
          else if (!(value instanceof Local)) f.drop(value);
        },
      },
      float: this.#float(code[index]),
      memory: this.#memory.semantics(group === undefined ? undefined : { group, base, offset: imm }, leave),
      let: <T extends Expr>(value: T) => f.let(value) as Expr as T,
      branch: never,
      jump: never,
      jumpTo: never,
      system: never,
    } as Semantics;
  }

  #float({ decoded }: Placed): FloatCode {
    const { frame, registers, layout, float } = this.#parts;
    const { f, hart } = frame;
    const { field } = layout;
    const { registers: classes } = decoded.instruction.format;
    const operand = (name: 'rs1' | 'rs2' | 'rs3'): I64 =>
      classes[name] === 'f' ? registers.f(decoded[name]) : i64.const(0);
    return new FloatCode({
      f,
      functions: float,
      flags: i32.add(hart, i32.const(field.fflags)),
      operands: { rs1: operand('rs1'), rs2: operand('rs2'), rs3: operand('rs3') },
      write: (bits: I64) => f.set(registers.f(decoded.rd), bits),
      markDirty: () => f.store('i32.store', hart, i32.const(1), field.floatDirty),
      roundingMode: () => (decoded.rm === DYNAMIC ? i32.load(hart, field.frm) : i32.const(decoded.rm)),
    });
  }
}

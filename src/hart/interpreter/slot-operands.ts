import { countPause } from '../../codegen/index.ts';
import {
  addressWithin,
  emitSemantics,
  type Format,
  type Instruction,
  type Semantics,
} from '../../isa/index.ts';
import { type Expr, type I32, type I64, i32, i64, Local } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { slotFloat } from './float-code.ts';
import type { Frame } from './frame.ts';
import { MemoryCode } from './memory-code.ts';
import { hasSmallImmediate, SLOT, SLOT_SCALE } from './slots.ts';

/** How one operation of the interpreter differs from another of the same instruction. */
export interface Variant {
  readonly format: Format;
  /** Bytes of the instruction. */
  readonly length: 2 | 4;
  /** The target of the jump or branch is in the same page, and the immediate a distance between slots. */
  readonly near: boolean;
  /** rd is x0: the result is dropped. In other variants rd is never x0. */
  readonly discards: boolean;
}

/** Address of the register whose offset is in byte `position` of the current slot. */
function registerAddress(frame: Frame, position: number): I32 {
  return i32.add(frame.hart, i32.load8_u(frame.slot, position));
}

/** The guest-virtual address of the current instruction. */
export function currentPc(frame: Frame): I64 {
  const distance = i32.sub(frame.slot, i32.load(frame.hart, FIELD.pageSlots));
  const offset = i32.shr_u(distance, i32.const(Math.log2(SLOT_SCALE)));
  return i64.add(i64.load(frame.hart, FIELD.pageAddress), i64.extend_i32_u(offset));
}

/** The interpreter's back end: operands come from the current slot, registers are in memory. */
function slotSemantics(frame: Frame, variant: Variant): Semantics {
  const { f, hart, slot, out, xlen } = frame;
  const rs2Position =
    variant.format.fields.has('rd') || !variant.format.fields.has('imm') ? SLOT.rs2 : SLOT.a;
  const readX = (position: number): I64 => i64.load(registerAddress(frame, position), FIELD.x);
  const isSmall = hasSmallImmediate(variant.format);
  const imm = isSmall ? i64.load8_u(slot, SLOT.rm) : i64.load32_s(slot, SLOT.c);
  const pc = currentPc(frame);
  const farTarget = addressWithin(xlen, i64.add(pc, imm));
  return {
    rs1: readX(SLOT.b),
    rs2: readX(rs2Position),
    imm,
    pc,
    nextPc: i64.add(pc, i64.const(variant.length)),
    rd: {
      value: readX(SLOT.a),
      set: (value: I64) => {
        if (!variant.discards) f.store('i64.store', registerAddress(frame, SLOT.a), value, FIELD.x);
        else if (!(value instanceof Local)) f.drop(value);
      },
    },
    float: slotFloat(frame, rs2Position),
    memory: new MemoryCode(frame),
    let: <T extends Expr>(value: T) => f.let(value) as Expr as T,
    branch: (condition: I32) => {
      f.if(condition, () => {
        if (variant.near) frame.goNear(i32.load(slot, SLOT.c));
        else frame.goFar(farTarget);
      });
    },
    jump: () => {
      if (variant.near) frame.goNear(i32.load(slot, SLOT.c));
      else frame.goFar(farTarget);
    },
    jumpTo: (target: I64) => frame.goFar(target),
    pause: () => countPause(f, hart, FIELD.pauses),
    system: () => frame.callOut(out.system),
  } as Semantics;
}

/** Generates the code of an operation. */
export function generateOperation(
  frame: Frame,
  operation: Variant & { readonly instruction: Instruction },
): void {
  if (operation.instruction.needsFloat) {
    frame.f.if(i32.load(frame.hart, FIELD.floatOff), () => {
      frame.callOut(frame.out.illegal);
    });
  }
  emitSemantics(operation.instruction, slotSemantics(frame, operation), frame.xlen);
}

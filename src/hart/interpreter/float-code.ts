import { FloatCode } from '../../codegen/index.ts';
import { i32, i64, select } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import type { Frame } from './frame.ts';
import { SLOT } from './slots.ts';

/** Value of the rm field that selects fcsr.frm. */
const DYNAMIC = 7;
/** The last valid rounding mode, RMM. */
const LAST_ROUNDING_MODE = 4;

/**
 * Floating point of the interpreter: registers in memory.
 *
 * @param rs2Position where the slot holds rs2
 */
export function slotFloat(frame: Frame, rs2Position: number): FloatCode {
  const { f, hart, slot, out, float } = frame;
  const read = (position: number) => i64.load(i32.add(hart, i32.load8_u(slot, position)), FIELD.f);
  return new FloatCode({
    f,
    functions: float,
    flags: i32.add(hart, i32.const(FIELD.fflags)),
    operands: { rs1: read(SLOT.b), rs2: read(rs2Position), rs3: read(SLOT.rs3) },
    write: (bits) => f.store('i64.store', i32.add(hart, i32.load8_u(slot, SLOT.a)), bits, FIELD.f),
    markDirty: () => f.store('i32.store', hart, i32.const(1), FIELD.floatDirty),
    roundingMode: () => {
      const field = f.let(i32.load8_u(slot, SLOT.rm));
      const mode = f.let(select(i32.eq(field, i32.const(DYNAMIC)), i32.load(hart, FIELD.frm), field));
      f.if(i32.gt_u(mode, i32.const(LAST_ROUNDING_MODE)), () => frame.callOut(out.illegal));
      return mode;
    },
  });
}

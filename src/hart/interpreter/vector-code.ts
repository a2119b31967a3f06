/** Vector instructions as far as their kernels are known: all else is left to TypeScript. */
import { callIndirect, type FunctionType, type I32, i32 } from '../../wasm/index.ts';
import { CSR, FIELD } from '../layout.ts';
import { STATUS } from '../privileged/registers.ts';
import { findPlan } from '../vector/plans.ts';
import { CALL_RESULT } from './call-outs.ts';
import type { Frame } from './frame.ts';
import { SLOT } from './slots.ts';

const MSTATUS = FIELD.csr + CSR.mstatus * 4;
const VSSTATUS = FIELD.csr + CSR.vsstatus * 4;

/**
 * Carries out the current instruction and leaves it, or goes on behind. The slot has the encoding. All vector
 * instructions share one operation: they are told apart by the table of kernels.
 */
export function generateVector({ f, hart, slot }: Frame, kernel: FunctionType<'i32'>): void {
  const bits = f.let(i32.load(slot, SLOT.c));
  const vtype = f.let(i32.load(hart, FIELD.vtype));
  findPlan(f, [hart, bits, vtype], (element) => {
    const isOn = (status: number): I32 => i32.and(i32.load(hart, status), i32.const(STATUS.vs));
    const markDirty = (status: number): void => {
      f.store('i32.store', hart, i32.or(i32.load(hart, status), i32.const(STATUS.vs)), status);
    };
    f.block((off) => {
      f.brIf(off, i32.eqz(isOn(MSTATUS)));
      f.if(i32.load(hart, FIELD.virtual), () => f.brIf(off, i32.eqz(isOn(VSSTATUS))));
      // What stops is carried out again, and marked as dirty, by TypeScript.
      f.brIf(off, callIndirect(kernel, element, hart, bits));
      f.if(i32.load(hart, FIELD.virtual), () => markDirty(VSSTATUS));
      markDirty(MSTATUS);
      f.return(i32.const(CALL_RESULT.proceed));
    });
  });
}

/** Vector instructions as far as their kernels are known: all else is left to TypeScript. */

import { VECTOR_LENGTH, VECTOR_STEP } from '../../jit/index.ts';
import {
  callIndirect,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Label,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { CSR, FIELD } from '../layout.ts';
import { STATUS } from '../privileged/registers.ts';
import { findPlan } from '../vector/plans.ts';

const MSTATUS = FIELD.csr + CSR.mstatus * 4;
const VSSTATUS = FIELD.csr + CSR.vsstatus * 4;

/** Branches if vector instructions and their CSRs are illegal now. */
function branchIfOff(f: FunctionBuilder, hart: Local<'i32'>, off: Label): void {
  const isOff = (status: number): I32 => i32.eqz(i32.and(i32.load(hart, status), i32.const(STATUS.vs)));
  f.brIf(off, isOff(MSTATUS));
  f.if(i32.load(hart, FIELD.virtual), () => f.brIf(off, isOff(VSSTATUS)));
}

/** `vectorLength(hart)`: vl, or a number below 0 if it cannot be read now. Compiled regions import it. */
export function defineVectorLength(module: ModuleBuilder): FunctionRef<'i64'> {
  const { name, params, result } = VECTOR_LENGTH;
  const length = module.function(name, params, result, (f) => {
    const hart = f.param(0, 'i32');
    f.block((off) => {
      branchIfOff(f, hart, off);
      f.return(i64.load32_u(hart, FIELD.vl));
    });
    f.return(i64.const(-1));
    f.unreachable();
  });
  module.export(length);
  return length;
}

/**
 * `vectorStep(hart, bits)`: carries out the vector instruction with an encoding, from vstart on, if its kernel is known
 * and goes to the end. Else the result is not 0, and TypeScript has to go on. Compiled regions import it.
 */
export function defineVectorStep(module: ModuleBuilder): FunctionRef<'i32'> {
  const kernel = module.typeOf(['i32', 'i32'], 'i32');
  const step = module.function(VECTOR_STEP.name, VECTOR_STEP.params, VECTOR_STEP.result, (f) => {
    const hart = f.param(0, 'i32');
    const bits = f.param(1, 'i32');
    const vtype = f.let(i32.load(hart, FIELD.vtype));
    findPlan(f, [hart, bits, vtype], (element) => {
      const markDirty = (status: number): void => {
        f.store('i32.store', hart, i32.or(i32.load(hart, status), i32.const(STATUS.vs)), status);
      };
      f.block((off) => {
        branchIfOff(f, hart, off);
        // An instruction that stops is carried out again, and marked as dirty, by TypeScript.
        f.brIf(off, callIndirect(kernel, element, hart, bits));
        f.if(i32.load(hart, FIELD.virtual), () => markDirty(VSSTATUS));
        markDirty(MSTATUS);
        f.return(i32.const(0));
      });
    });
    f.return(i32.const(1));
    f.unreachable();
  });
  module.export(step);
  return step;
}

import { type ConfigurationShape, VTYPE } from '../../isa/index.ts';
import { type I32, i32, i64, type Local, select } from '../../wasm/index.ts';
import { FIELD, VILL } from '../layout.ts';
import type { KernelFrame } from './kernel-frame.ts';

/** vsetvli, vsetivli and vsetvl: vl is the smaller one of AVL and VLMAX. */
export function configurationKernel(kernel: KernelFrame, shape: ConfigurationShape): void {
  const { f, hart, bits, setting } = kernel;
  const type = f.local('i32');
  if (shape.type === 'x') {
    const wide = f.let(kernel.x('rs2'));
    f.set(type, select(i64.eqz(i64.shr_u(wide, i64.const(8))), i32.wrap_i64(wide), i32.const(VILL)));
  } else {
    const fieldBits = shape.avl === 'i' ? 0x3ff : 0x7ff;
    f.set(type, i32.and(i32.shr_u(bits, i32.const(20)), i32.const(fieldBits)));
  }
  const sew = f.let(i32.shr_u(i32.and(type, i32.const(VTYPE.sew)), i32.const(VTYPE.sewShift)));
  const lmul = f.let(i32.shr_s(i32.shl(type, i32.const(29)), i32.const(29)));
  f.if(
    isSupported(type, sew, lmul),
    () => {
      const log = i32.sub(i32.add(i32.const(Math.log2(setting.vlenb)), lmul), sew);
      const vlmax = f.let(i64.extend_i32_u(i32.shl(i32.const(1), log)));
      const avl = f.let(shape.avl === 'i' ? kernel.unsignedImmediate : requested(kernel));
      const vl = f.let(select(i64.lt_u(avl, vlmax), avl, vlmax));
      f.store('i32.store', hart, i32.wrap_i64(vl), FIELD.vl);
      f.store('i32.store', hart, type, FIELD.vtype);
      kernel.setX(vl);
    },
    () => {
      f.store('i32.store', hart, i32.const(0), FIELD.vl);
      f.store('i32.store', hart, i32.const(VILL), FIELD.vtype);
      kernel.setX(i64.const(0));
    },
  );
  kernel.done();
}

/** As `isSupportedVtype` says. */
function isSupported(type: Local<'i32'>, sew: Local<'i32'>, lmul: Local<'i32'>): I32 {
  const known = i32.eqz(i32.and(type, i32.const(~VTYPE.bits)));
  const narrow = i32.le_u(sew, i32.const(3));
  const fits = i32.ge_s(lmul, i32.sub(sew, i32.const(3)));
  return i32.and(i32.and(known, narrow), i32.and(fits, i32.ne(lmul, i32.const(-4))));
}

/** AVL from rs1. x0 means all that there is room for, or, if the result goes nowhere, vl as it is. */
function requested(kernel: KernelFrame) {
  const isZero = i32.eqz(kernel.number('rs1'));
  const old = i64.load32_u(kernel.hart, FIELD.vl);
  const unbounded = select(i32.eqz(kernel.number('rd')), old, i64.const(-1));
  return select(isZero, unbounded, kernel.x('rs1'));
}

import type { ElementGroup, GroupsShape } from '../../isa/index.ts';
import { type I32, i32, type V128, v128 } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import type { KernelFrame } from './kernel-frame.ts';

const HALF = 16;

/** The groups of vd, one after the other, from vstart on to vl: both are multiples of a group, or it is illegal. */
export function groupsKernel(kernel: KernelFrame, { size, hasVs1, scalar, compute }: GroupsShape): void {
  const { f, setting } = kernel;
  const { sew } = setting;
  const index = f.let(kernel.vstart);
  const end = f.let(kernel.vl);
  f.if(i32.and(i32.or(index, end), i32.const(size - 1)), () => kernel.stop());
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const vs1 = hasVs1 ? kernel.vector('rs1') : vs2;
  const imm = f.let(kernel.number('rs1'));
  const isLong = size << sew > HALF;
  const load = (register: I32): ElementGroup => {
    const half = (offset: number): V128 => f.let(v128.load(register, FIELD.v + offset));
    return isLong ? [half(0), half(HALF)] : [half(0)];
  };
  const first = scalar ? load(vs2) : undefined;
  f.block((over) => {
    f.loop((next) => {
      f.brIf(over, i32.ge_u(index, end));
      const offset = f.let(i32.shl(index, i32.const(sew)));
      const at = (register: I32): I32 => i32.add(register, offset);
      const place = f.let(at(vd));
      const a = first ?? load(f.let(at(vs2)));
      const b = hasVs1 ? load(f.let(at(vs1))) : a;
      const operands = { a, b, d: load(place), imm, sew: 8 << sew, let: kernel.let.bind(kernel) };
      const results = compute(operands).map((half) => f.let(half));
      for (const [half, result] of results.entries()) f.storeVector(place, result, FIELD.v + half * HALF);
      f.set(index, i32.add(index, i32.const(size)));
      f.br(next);
    });
  });
  kernel.done();
}

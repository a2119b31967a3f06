import type {
  Computation,
  ElementOperands,
  ElementsShape,
  ElementTools,
  MaskLogicShape,
  ReductionShape,
  Source,
} from '../../isa/index.ts';
import { type I64, INTEGER_LANES, i32, i64, type Local, select, type V128, v128 } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { elementAddress, type KernelFrame } from './kernel-frame.ts';
import { chunksOf, laneOperation } from './lanes.ts';

/** Bits of the fixed-point rounding modes ("Vector Fixed-Point Rounding Mode Register"). */
const VXRM = { nearestUp: 0, nearestEven: 1, down: 2 } as const;

/** Cuts a value to an element and extends it again. */
function extended(value: I64, eew: number, signed: boolean): I64 {
  if (eew === 3) return value;
  const width = 8 << eew;
  if (!signed) return i64.and(value, i64.const(2 ** width - 1));
  return [i64.extend8_s, i64.extend16_s, i64.extend32_s][eew](value);
}

/** A second operand that is the same for all elements. */
export function scalar(kernel: KernelFrame, source: Source): I64 {
  switch (source) {
    case 'x':
      return kernel.x('rs1');
    case 'i':
      return kernel.signedImmediate;
    case 'u':
      return kernel.unsignedImmediate;
    case 'u6':
      return i64.or(kernel.unsignedImmediate, kernel.sixthBit);
    case 'f':
      return kernel.float.scalar();
    default:
      return i64.const(0);
  }
}

/** The tools of the functions of elements. `saturated` becomes 1 where one says so. */
function toolsOf(kernel: KernelFrame, saturated: Local<'i32'>): ElementTools {
  const { f, hart } = kernel;
  return {
    sew: 8 << kernel.setting.sew,
    let: (value) => f.let(value),
    saturate: (condition) => f.set(saturated, i32.or(saturated, condition)),
    roundingIncrement: (kept, half, rest) => {
      const mode = f.let(i32.load(hart, FIELD.vxrm));
      const one = i32.const(1);
      const halfBit = f.let(i32.and(i32.wrap_i64(half), one));
      const odd = f.let(i32.and(i32.wrap_i64(kept), one));
      const toEven = i32.and(halfBit, i32.or(rest, odd));
      const toOdd = i32.and(i32.xor(odd, one), i32.or(halfBit, rest));
      const others = select(i32.eq(mode, i32.const(VXRM.down)), i32.const(0), toOdd);
      const even = select(i32.eq(mode, i32.const(VXRM.nearestEven)), toEven, others);
      return i64.extend_i32_u(select(i32.eq(mode, i32.const(VXRM.nearestUp)), halfBit, even));
    },
  };
}

function computed(kernel: KernelFrame, shape: Computation, operands: ElementOperands): I64 {
  if (shape.float === undefined) return shape.compute(operands);
  return shape.compute({ ...operands, float: kernel.float });
}

/** Each element of vd from those at its place. */
export function elementsKernel(kernel: KernelFrame, shape: ElementsShape): void {
  const { f, setting } = kernel;
  const { sew } = setting;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const vs1 = kernel.vector('rs1');
  const { source, signedA, signedB } = shape;
  const fixed = f.let(extended(scalar(kernel, source), sew, signedB));
  const saturated = f.local('i32');
  const tools = toolsOf(kernel, saturated);
  const destination = shape.d === 'mask' ? sew : sew + shape.d;
  const element = (index: Local<'i32'>): void => {
    const { a } = shape;
    const value = computed(kernel, shape, {
      ...tools,
      a: a === undefined ? i64.const(0) : f.let(kernel.element(vs2, index, sew + a, signedA)),
      b: source === 'v' ? f.let(kernel.element(vs1, index, sew + shape.b, signedB)) : fixed,
      d: shape.readsD ? f.let(kernel.element(vd, index, destination, true)) : i64.const(0),
      bit: shape.mask === 'operand' ? f.let(i64.extend_i32_u(kernel.activeBit(index))) : i64.const(0),
    });
    if (shape.d === 'mask') kernel.setMaskBit(vd, index, f.let(i32.wrap_i64(value)));
    else kernel.setElement(vd, index, destination, value);
  };
  const chunks = chunksOf(kernel, shape, fixed);
  if (chunks.length === 0) kernel.each(element);
  else kernel.eachInChunks(chunks, element);
  f.if(saturated, () => f.store('i32.store', kernel.hart, i32.const(1), FIELD.vxsat));
  kernel.done();
}

/** Combines elements of vs2 by 16 bytes, if lanes do that, then takes each lane; `index` becomes that of the rest. */
function reduceLanes(
  kernel: KernelFrame,
  { lanes, d, signed }: ReductionShape,
  index: Local<'i32'>,
  take: (lane: I64) => void,
): void {
  const { f, setting } = kernel;
  const combine = lanes === undefined ? undefined : laneOperation(setting.sew, lanes);
  if (combine === undefined || d !== 0 || setting.masked) return;
  const elements = 16 >> setting.sew;
  const vs2 = kernel.vector('rs2');
  const load = (): V128 => v128.load(elementAddress(vs2, index, setting.sew), FIELD.v);
  const last = f.let(i32.sub(kernel.vl, i32.const(elements)));
  f.if(i32.ge_s(last, i32.const(0)), () => {
    const all = f.let(load());
    f.set(index, i32.const(elements));
    f.block((over) => {
      f.loop((next) => {
        f.brIf(over, i32.gt_s(index, last));
        f.set(all, combine(all, load()));
        f.set(index, i32.add(index, i32.const(elements)));
        f.br(next);
      });
    });
    for (const half of [0, 1] as const) {
      const word = f.let(INTEGER_LANES.i64x2.extract(all, half));
      for (let bit = 0; bit < 64; bit += 8 << setting.sew) {
        take(extended(i64.shr_u(word, i64.const(bit)), setting.sew, signed));
      }
    }
  });
}

/** vd[0] from vs1[0] and the active elements of vs2; without elements nothing is written. */
export function reductionKernel(kernel: KernelFrame, shape: ReductionShape): void {
  const { f, setting } = kernel;
  const { d, signed } = shape;
  kernel.needsStart();
  const vs2 = kernel.vector('rs2');
  const eew = setting.sew + d;
  const result = f.let(kernel.element(kernel.vector('rs1'), i32.const(0), eew, signed));
  const tools = toolsOf(kernel, f.local('i32'));
  const index = f.local('i32');
  const zero = i64.const(0);
  const take = (a: I64): void =>
    f.set(result, computed(kernel, shape, { ...tools, a: f.let(a), b: result, d: zero, bit: zero }));
  reduceLanes(kernel, shape, index, take);
  kernel.each((at) => take(kernel.element(vs2, at, setting.sew, signed)), { from: index });
  f.if(kernel.vl, () => kernel.setElement(kernel.vector('rd'), i32.const(0), eew, result));
  kernel.done();
}

/** Works on 64 bits of masks at once; bits before vstart and from vl on are left as they were. */
export function maskLogicKernel(kernel: KernelFrame, { compute }: MaskLogicShape): void {
  const { f } = kernel;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const vs1 = kernel.vector('rs1');
  const vl = f.let(kernel.vl);
  const start = f.let(kernel.vstart);
  const word = f.let(i32.shr_u(start, i32.const(6)));
  const words = f.let(i32.shr_u(i32.add(vl, i32.const(63)), i32.const(6)));
  f.if(i32.lt_u(start, vl), () => {
    kernel.countUp(word, words, () => {
      const first = i32.shl(word, i32.const(6));
      const count = f.let(i32.sub(vl, first));
      const skipped = f.let(i32.sub(start, first));
      const all = i64.const(-1);
      const below = i64.shr_u(all, i64.extend_i32_s(i32.sub(i32.const(64), count)));
      const upTo = select(i32.ge_s(count, i32.const(64)), all, below);
      const after = select(i32.le_s(skipped, i32.const(0)), all, i64.shl(all, i64.extend_i32_s(skipped)));
      const body = f.let(i64.and(upTo, after));
      const a = kernel.element(vs2, word, 3, false);
      const b = kernel.element(vs1, word, 3, false);
      const old = kernel.element(vd, word, 3, false);
      // Bits of the body change where the result differs.
      kernel.setElement(vd, word, 3, i64.xor(old, i64.and(i64.xor(old, compute(a, b)), body)));
    });
  });
  kernel.done();
}

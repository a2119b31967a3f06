/** Instructions that are alone of their kind: masks as sets, slides, gathers, moves of single elements. */
import type { SpecialShape, WholeMoveShape } from '../../isa/index.ts';
import { type I32, type I64, i32, i64, type Local, select } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { scalar } from './element-kernel.ts';
import type { KernelFrame } from './kernel-frame.ts';

type Special = (kernel: KernelFrame, shape: SpecialShape) => void;

const one = i32.const(1);
const zero = i32.const(0);

/** Runs `body` with 64 bits of vs2 after the other: those that are active, and below vl. */
function eachWord(kernel: KernelFrame, body: (bits: Local<'i64'>, word: Local<'i32'>) => void): void {
  const { f, hart, setting } = kernel;
  const vs2 = kernel.vector('rs2');
  const vl = f.let(kernel.vl);
  const word = f.local('i32');
  kernel.countUp(word, i32.shr_u(i32.add(vl, i32.const(63)), i32.const(6)), () => {
    const bits = f.let(kernel.element(vs2, word, 3, false));
    if (setting.masked) f.set(bits, i64.and(bits, kernel.element(hart, word, 3, false)));
    const count = f.let(i32.sub(vl, i32.shl(word, i32.const(6))));
    f.if(i32.lt_s(count, i32.const(64)), () => {
      const above = i64.shl(i64.const(-1), i64.extend_i32_u(count));
      f.set(bits, i64.and(bits, i64.xor(above, i64.const(-1))));
    });
    body(bits, word);
  });
}

const vcpop: Special = (kernel) => {
  const { f } = kernel;
  kernel.needsStart();
  const count = f.local('i64');
  eachWord(kernel, (bits) => f.set(count, i64.add(count, i64.popcnt(bits))));
  kernel.setX(count);
};

const vfirst: Special = (kernel) => {
  const { f } = kernel;
  kernel.needsStart();
  const found = f.let(i64.const(-1));
  f.block((over) => {
    eachWord(kernel, (bits, word) => {
      f.if(i64.ne(bits, i64.const(0)), () => {
        const first = i64.shl(i64.extend_i32_u(word), i64.const(6));
        f.set(found, i64.add(first, i64.ctz(bits)));
        f.br(over);
      });
    });
  });
  kernel.setX(found);
};

/** vmsbf, vmsif, vmsof: bits before the first one that is set, also that one, or that one only. */
const aroundFirst =
  (before: boolean, first: boolean): Special =>
  (kernel) => {
    const { f } = kernel;
    kernel.needsStart();
    const vs2 = kernel.vector('rs2');
    const vd = kernel.vector('rd');
    const found = f.local('i32');
    kernel.each((index) => {
      const bit = f.let(kernel.maskBit(vs2, index));
      const isFirst = i32.and(bit, i32.xor(found, one));
      const isBefore = i32.xor(i32.or(found, bit), one);
      const value = f.let(i32.or(before ? isBefore : zero, first ? isFirst : zero));
      f.set(found, i32.or(found, bit));
      kernel.setMaskBit(vd, index, value);
    });
  };

const viota: Special = (kernel) => {
  const { f, setting } = kernel;
  kernel.needsStart();
  const vs2 = kernel.vector('rs2');
  const vd = kernel.vector('rd');
  const count = f.local('i32');
  kernel.each((index) => {
    kernel.setElement(vd, index, setting.sew, i64.extend_i32_u(count));
    f.set(count, i32.add(count, kernel.maskBit(vs2, index)));
  });
};

const vid: Special = (kernel) => {
  const vd = kernel.vector('rd');
  kernel.each((index) => kernel.setElement(vd, index, kernel.setting.sew, i64.extend_i32_u(index)));
};

/** It takes no notice of vl and vstart. */
const toX: Special = (kernel) =>
  kernel.setX(kernel.element(kernel.vector('rs2'), zero, kernel.setting.sew, true));

const toFloat: Special = (kernel) =>
  kernel.float.setRegister(kernel.element(kernel.vector('rs2'), zero, kernel.setting.sew, false));

const fromX: Special = (kernel, { source }) => {
  const { f, setting } = kernel;
  const value = f.let(scalar(kernel, source));
  f.if(i32.lt_u(kernel.vstart, kernel.vl), () => {
    kernel.setElement(kernel.vector('rd'), zero, setting.sew, value);
  });
};

/** A number of elements from a register, but no more than `most`. */
function limited(value: I64, most: I64): I32 {
  return i32.wrap_i64(select(i64.lt_u(value, most), value, most));
}

const slideUp: Special = (kernel, { source }) => {
  const { f, setting } = kernel;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const vl = f.let(i64.extend_i32_u(kernel.vl));
  const offset = f.let(limited(f.let(scalar(kernel, source)), vl));
  const start = f.let(kernel.vstart);
  const from = select(i32.lt_u(start, offset), offset, start);
  kernel.each(
    (index) => {
      const value = kernel.element(vs2, i32.sub(index, offset), setting.sew, false);
      kernel.setElement(vd, index, setting.sew, value);
    },
    { from },
  );
};

/** The element at an index, 0 beyond the last one. Memory is read either way: index 0 instead. */
function elementOrZero(kernel: KernelFrame, register: I32, index: I32): I64 {
  const { f, setting } = kernel;
  const at = f.let(index);
  const exists = f.let(i32.lt_u(at, i32.const(kernel.vlmax)));
  const value = kernel.element(register, select(exists, at, zero), setting.sew, false);
  return select(exists, value, i64.const(0));
}

const slideDown: Special = (kernel, { source }) => {
  const { f, setting } = kernel;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const offset = f.let(limited(f.let(scalar(kernel, source)), i64.const(kernel.vlmax)));
  kernel.each((index) => {
    const value = f.let(elementOrZero(kernel, vs2, i32.add(index, offset)));
    kernel.setElement(vd, index, setting.sew, value);
  });
};

const slide1Up: Special = (kernel, { source }) => {
  const { f, setting } = kernel;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const first = f.let(scalar(kernel, source));
  kernel.each((index) => {
    f.if(
      index,
      () => {
        const value = kernel.element(vs2, i32.sub(index, one), setting.sew, false);
        kernel.setElement(vd, index, setting.sew, value);
      },
      () => kernel.setElement(vd, index, setting.sew, first),
    );
  });
};

const slide1Down: Special = (kernel, { source }) => {
  const { f, setting } = kernel;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const last = f.let(scalar(kernel, source));
  const lastIndex = f.let(i32.sub(kernel.vl, one));
  kernel.each((index) => {
    f.if(
      i32.lt_u(index, lastIndex),
      () => {
        const value = kernel.element(vs2, i32.add(index, one), setting.sew, false);
        kernel.setElement(vd, index, setting.sew, value);
      },
      () => kernel.setElement(vd, index, setting.sew, last),
    );
  });
};

/** Indices have SEW bits, or 16. */
const gather =
  (indexEew?: 1): Special =>
  (kernel, { source }) => {
    const { f, setting } = kernel;
    const vd = kernel.vector('rd');
    const vs2 = kernel.vector('rs2');
    const vs1 = kernel.vector('rs1');
    const most = i64.const(kernel.vlmax);
    const fixed = f.let(limited(f.let(scalar(kernel, source)), most));
    kernel.each((index) => {
      const wide = (): I64 => f.let(kernel.element(vs1, index, indexEew ?? setting.sew, false));
      const from = source === 'v' ? limited(wide(), most) : fixed;
      kernel.setElement(vd, index, setting.sew, f.let(elementOrZero(kernel, vs2, from)));
    });
  };

const compress: Special = (kernel) => {
  const { f, setting } = kernel;
  kernel.needsStart();
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const vs1 = kernel.vector('rs1');
  const count = f.local('i32');
  kernel.each((index) => {
    f.if(kernel.maskBit(vs1, index), () => {
      kernel.setElement(vd, count, setting.sew, kernel.element(vs2, index, setting.sew, false));
      f.set(count, i32.add(count, one));
    });
  });
};

const SPECIALS: Readonly<Record<SpecialShape['operation'], Special>> = {
  vcpop,
  vfirst,
  vmsbf: aroundFirst(true, false),
  vmsif: aroundFirst(true, true),
  vmsof: aroundFirst(false, true),
  viota,
  vid,
  'vmv.x.s': toX,
  'vmv.s.x': fromX,
  'vfmv.f.s': toFloat,
  vslideup: slideUp,
  vslidedown: slideDown,
  vslide1up: slide1Up,
  vslide1down: slide1Down,
  vrgather: gather(),
  vrgatherei16: gather(1),
  vcompress: compress,
};

export function specialKernel(kernel: KernelFrame, shape: SpecialShape): void {
  SPECIALS[shape.operation](kernel, shape);
  kernel.done();
}

/** Copies registers from element vstart on. */
export function wholeMoveKernel(kernel: KernelFrame, { registers }: WholeMoveShape): void {
  const { f, hart, setting } = kernel;
  const vd = kernel.vector('rd');
  const vs2 = kernel.vector('rs2');
  const index = f.let(i32.load(hart, FIELD.vstart));
  const elements = i32.const((registers * setting.vlenb) >> setting.sew);
  kernel.countUp(index, elements, () => {
    kernel.setElement(vd, index, setting.sew, kernel.element(vs2, index, setting.sew, false));
  });
  kernel.done();
}

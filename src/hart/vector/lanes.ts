/** Elements on 16 bytes at once, where WebAssembly has instructions for that and no element is masked. */
import type { ElementsShape, FusedLanes, LaneOperation } from '../../isa/index.ts';
import { fusesMadd } from '../../jit/fused.ts';
import {
  FLOAT_LANES,
  type I32,
  INTEGER_LANES,
  i32,
  i64,
  type Local,
  type V128,
  v128,
} from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { type Chunk, elementAddress, type KernelFrame } from './kernel-frame.ts';

/** Operations of lanes by log2 of their bytes. */
const INTEGERS = [
  INTEGER_LANES.i8x16,
  INTEGER_LANES.i16x8,
  INTEGER_LANES.i32x4,
  INTEGER_LANES.i64x2,
] as const;
const FLOATS = [undefined, undefined, FLOAT_LANES.f32x4, FLOAT_LANES.f64x2] as const;
const EXTENDING_LOADS = {
  signed: [v128.load8x8_s, v128.load16x4_s, v128.load32x2_s],
  unsigned: [v128.load8x8_u, v128.load16x4_u, v128.load32x2_u],
} as const;
const INEXACT = 1;

/** Vectors of 16 bytes that are done together. */
const UNROLLED = [4, 1] as const;

type Binary = (a: V128, b: V128) => V128;

/** How chunks are computed, 16 bytes after the other. */
interface Lanewise {
  readonly prepare?: () => void;
  /** All elements are done one by one if this is not 0. */
  readonly refuses?: Local<'i32'>;
  /** Results need not be exact if this is not 0. */
  readonly seen?: Local<'i32'>;
  compute(index: Local<'i32'>): {
    readonly value: V128;
    /** All bits of lanes whose results may be taken are 1; those of exact ones. */
    readonly holds?: V128;
    readonly exact?: V128;
  };
}

/** An operation on two operands, if lanes of a width have it. */
export function laneOperation(eew: number, name: string): Binary | undefined {
  if (name === 'and' || name === 'or' || name === 'xor') return v128[name];
  const table: Readonly<Record<string, unknown>> = INTEGERS[eew] ?? {};
  return table[name] as Binary | undefined;
}

/** The chunks in which an instruction's elements can be done, the largest first. @param fixed the scalar operand */
export function chunksOf(kernel: KernelFrame, shape: ElementsShape, fixed: Local<'i64'>): readonly Chunk[] {
  const { lanes, float } = shape;
  if (lanes === undefined || kernel.setting.masked) return [];
  const lane = new Lanes(kernel, shape, fixed);
  if (typeof lanes !== 'string') return lane.fused(lanes);
  if (shape.d === 'mask') return lane.comparison(lanes);
  return float === undefined || lanes === 'second' ? lane.integer(lanes) : lane.float(lanes);
}

class Lanes {
  readonly #kernel: KernelFrame;
  readonly #shape: ElementsShape;
  /** Log2 of the bytes of a lane: of an element of the result, or of those that are compared. */
  readonly #eew: number;
  readonly #vd: Local<'i32'>;
  readonly #vs2: Local<'i32'>;
  readonly #vs1: Local<'i32'>;
  readonly #fixed: Local<'i64'>;
  readonly #scalar: Local<'v128'> | undefined;

  constructor(kernel: KernelFrame, shape: ElementsShape, fixed: Local<'i64'>) {
    const { sew } = kernel.setting;
    this.#kernel = kernel;
    this.#shape = shape;
    this.#eew = sew + (shape.d === 'mask' ? 0 : shape.d);
    this.#vd = kernel.vector('rd');
    this.#vs2 = kernel.vector('rs2');
    this.#vs1 = kernel.vector('rs1');
    this.#fixed = fixed;
    this.#scalar = shape.source === 'v' ? undefined : kernel.let(splat(this.#eew, fixed));
  }

  integer(name: LaneOperation): readonly Chunk[] {
    const compute = this.#integerOperation(name);
    if (compute === undefined || !this.#isReadable) return [];
    return this.#chunks({
      compute: (index) => ({ value: compute(this.#a(index), this.#b(index), this.#d(index)) }),
    });
  }

  #integerOperation(name: LaneOperation): ((a: V128, b: V128, d: V128) => V128) | undefined {
    const add = laneOperation(this.#eew, 'add');
    const sub = laneOperation(this.#eew, 'sub');
    const mul = laneOperation(this.#eew, 'mul');
    if (name === 'second') return (_, b) => b;
    if (name === 'reverseSub') return sub && ((a, b) => sub(b, a));
    if (name === 'shl' || name === 'shr_s' || name === 'shr_u') return this.#shift(name);
    if (name === 'macc') return add && mul && ((a, b, d) => add(d, mul(a, b)));
    if (name === 'nmsac') return sub && mul && ((a, b, d) => sub(d, mul(a, b)));
    if (name === 'madd') return add && mul && ((a, b, d) => add(mul(b, d), a));
    if (name === 'nmsub') return sub && mul && ((a, b, d) => sub(a, mul(b, d)));
    return laneOperation(this.#eew, name);
  }

  /** By the same amount for all elements, of which lanes take the low bits as the specification does. */
  #shift(name: 'shl' | 'shr_s' | 'shr_u'): ((a: V128) => V128) | undefined {
    const { source } = this.#shape;
    if (source === 'v') return undefined;
    const amount = this.#kernel.let(i32.wrap_i64(this.#fixed));
    const shift = INTEGERS[this.#eew]?.[name];
    return shift && ((a) => shift(a, amount));
  }

  comparison(name: LaneOperation): readonly Chunk[] {
    const compare = laneOperation(this.#eew, name);
    if (compare === undefined) return [];
    const { f } = this.#kernel;
    const lanes = 16 >> this.#eew;
    const elements = Math.max(8, lanes);
    const { bitmask } = INTEGERS[this.#eew] ?? INTEGER_LANES.i8x16;
    const chunk: Chunk = {
      elements,
      emit: (index, declined) => {
        // Whole bytes of the mask are written.
        f.brIf(declined, i32.and(index, i32.const(7)));
        const parts = Array.from({ length: elements / lanes }, (_, part) => {
          const at = i32.add(index, i32.const(part * lanes));
          return i32.shl(bitmask(compare(this.#a(at), this.#b(at))), i32.const(part * lanes));
        });
        const bits = parts.reduce((all, part) => i32.or(all, part));
        const place = i32.add(this.#vd, i32.shr_u(index, i32.const(3)));
        f.store(elements === 16 ? 'i32.store16' : 'i32.store8', place, bits, FIELD.v);
      },
    };
    return [chunk];
  }

  /**
   * Sums, products, quotients and roots where they are rounded to nearest, and nothing is to be told but inexactness.
   */
  float(name: LaneOperation): readonly Chunk[] {
    const operations = FLOATS[this.#eew];
    if (operations === undefined || this.#shape.d !== 0) return [];
    const { add, sub, mul, div, sqrt } = operations;
    switch (name) {
      case 'fadd':
        return this.#sum(
          add,
          (sum, other) => sub(sum, other),
          (sum, other) => sub(sum, other),
        );
      case 'fsub':
        return this.#sum(
          sub,
          (difference, b) => add(difference, b),
          (difference, a) => sub(a, difference),
        );
      case 'fmul':
        return this.#rounded((a, b) => mul(a, b));
      case 'fdiv':
        return this.#rounded((a, b) => div(a, b));
      case 'fsqrt':
        return this.#rounded((a) => sqrt(a));
      default:
        return [];
    }
  }

  /** Where the engine rounds multiply-add once. */
  fused({ negateProduct, negateAddend, factor }: FusedLanes): readonly Chunk[] {
    const operations = FLOATS[this.#eew];
    if (operations === undefined || this.#shape.d !== 0 || !fusesMadd()) return [];
    const { madd, neg } = operations;
    return this.#rounded((a, b, d) => {
      const [other, addend] = factor === 'a' ? [a, d] : [d, a];
      return madd(negateProduct ? neg(b) : b, other, negateAddend ? neg(addend) : addend);
    });
  }

  /**
   * A finite sum never underflows. It is exact if both operands come back (see `src/float/arithmetic.ts`); if one is
   * not, elements are done one by one, which says that it is inexact, and then that is known.
   */
  #sum(operation: Binary, first: Binary, second: Binary): readonly Chunk[] {
    const { f } = this.#kernel;
    const isOther = f.let(i32.load(this.#kernel.hart, FIELD.frm));
    const seen = f.local('i32');
    const largest = this.#limit('largest');
    const lanes = this.#float;
    return this.#chunks({
      prepare: () => f.set(seen, this.#inexactSeen),
      refuses: isOther,
      seen,
      compute: (index) => {
        const a = f.let(this.#a(index));
        const b = f.let(this.#b(index));
        const value = f.let(operation(a, b));
        const back = v128.and(lanes.eq(first(value, b), a), lanes.eq(second(value, a), b));
        return { value, holds: lanes.le(lanes.abs(value), largest), exact: back };
      },
    });
  }

  /** Results that are normal, and no smallest ones, which may have been tiny; inexactness has been told before. */
  #rounded(operation: (a: V128, b: V128, d: V128) => V128): readonly Chunk[] {
    const { f } = this.#kernel;
    const isNearest = f.let(i32.eqz(i32.load(this.#kernel.hart, FIELD.frm)));
    const refuses = f.local('i32');
    const largest = this.#limit('largest');
    const least = this.#limit('least');
    const lanes = this.#float;
    return this.#chunks({
      prepare: () => f.set(refuses, i32.eqz(i32.and(isNearest, this.#inexactSeen))),
      refuses,
      compute: (index) => {
        const value = f.let(operation(this.#a(index), this.#b(index), this.#d(index)));
        const size = f.let(lanes.abs(value));
        return { value, holds: v128.and(lanes.le(size, largest), lanes.le(least, size)) };
      },
    });
  }

  get #float() {
    return this.#eew === 3 ? FLOAT_LANES.f64x2 : FLOAT_LANES.f32x4;
  }

  #all(condition: V128): I32 {
    return (INTEGERS[this.#eew] ?? INTEGER_LANES.i8x16).allTrue(condition);
  }

  get #inexactSeen(): I32 {
    return i32.and(i32.load(this.#kernel.hart, FIELD.fflags), i32.const(INEXACT));
  }

  /** The largest finite number, and the least one whose exponent field is 2. */
  #limit(which: 'largest' | 'least'): Local<'v128'> {
    const limits = {
      largest: [0x7f7f_ffffn, 0x7fef_ffff_ffff_ffffn],
      least: [0x0100_0000n, 0x0020_0000_0000_0000n],
    } as const;
    const bits = limits[which][this.#eew === 3 ? 1 : 0];
    return this.#kernel.let(splat(this.#eew, this.#kernel.let(i64.const(bits))));
  }

  /** Several vectors at once, and one. Nothing is written before all is known to hold. */
  #chunks({ prepare, refuses, seen, compute }: Lanewise): readonly Chunk[] {
    const { f } = this.#kernel;
    const lanes = 16 >> this.#eew;
    return UNROLLED.map((vectors) => ({
      elements: vectors * lanes,
      ...(prepare === undefined ? {} : { prepare }),
      emit: (index, declined) => {
        if (refuses !== undefined) f.brIf(declined, refuses);
        const parts = Array.from({ length: vectors }, (_, part) => {
          const at = part === 0 ? index : f.let(i32.add(index, i32.const(part * lanes)));
          return { at, ...compute(at) };
        });
        const check = (conditions: readonly V128[]): void => {
          const [first, ...others] = conditions;
          if (first !== undefined) f.brIf(declined, i32.eqz(this.#all(others.reduce(v128.and, first))));
        };
        check(parts.flatMap(({ holds }) => holds ?? []));
        if (seen !== undefined) f.if(i32.eqz(seen), () => check(parts.flatMap(({ exact }) => exact ?? [])));
        for (const { at, value } of parts) {
          f.storeVector(elementAddress(this.#vd, at, this.#eew), value, FIELD.v);
        }
      },
    }));
  }

  /** Operands are as wide as lanes, or half as wide and extended. */
  get #isReadable(): boolean {
    const { a, b, source } = this.#shape;
    const { sew } = this.#kernel.setting;
    const fits = (scale: number): boolean => [0, 1].includes(this.#eew - sew - scale);
    return (a === undefined || fits(a)) && (source !== 'v' || fits(b));
  }

  #a(index: I32): V128 {
    const { a = 0, signedA } = this.#shape;
    return this.#operand(this.#vs2, index, a, signedA);
  }

  #b(index: I32): V128 {
    const { b, signedB } = this.#shape;
    return this.#scalar ?? this.#operand(this.#vs1, index, b, signedB);
  }

  #d(index: I32): V128 {
    return v128.load(elementAddress(this.#vd, index, this.#eew), FIELD.v);
  }

  #operand(register: Local<'i32'>, index: I32, scale: number, signed: boolean): V128 {
    const eew = this.#kernel.setting.sew + scale;
    const address = elementAddress(register, index, eew);
    if (eew === this.#eew) return v128.load(address, FIELD.v);
    const load = EXTENDING_LOADS[signed ? 'signed' : 'unsigned'][eew];
    if (load === undefined) throw new Error(`lanes of ${8 << eew} bits are not extended`);
    return load(address, FIELD.v);
  }
}

function splat(eew: number, value: Local<'i64'>): V128 {
  const narrow = [INTEGER_LANES.i8x16, INTEGER_LANES.i16x8, INTEGER_LANES.i32x4] as const;
  return narrow[eew]?.splat(i32.wrap_i64(value)) ?? INTEGER_LANES.i64x2.splat(value);
}

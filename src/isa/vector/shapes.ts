import type { Expr, I32, I64, V128, ValType } from '../../wasm/index.ts';
import type { Extension } from '../extensions.ts';
import type { FloatArithmetic, FloatExtremum, FloatRelation } from '../semantics.ts';

/** Width of the elements of an operand as log2 of its ratio to SEW: 1 for 2 × SEW, -3 for SEW / 8. */
export type Scale = -3 | -2 | -1 | 0 | 1;

/** Where the second operand of an instruction comes from: elements of vs1, x[rs1], an immediate, f[rs1]. */
export type Source = 'v' | 'x' | 'i' | 'u' | 'u6' | 'f' | 'none';

/** Width of a floating-point operand: SEW or twice that. */
export type FloatScale = 0 | 1;

/** An instruction's use of floating point. */
export interface FloatUse {
  /** Widths of the operands and results that are floating-point numbers. */
  readonly widths: readonly FloatScale[];
  /** The extension that brings it for numbers of 16 bits. */
  readonly halves: 'zvfh' | 'zvfhmin';
  /** Rounding: as frm says, toward zero, or to odd. */
  readonly rounding: 'dynamic' | 'towardZero' | 'toOdd';
}

/**
 * Floating point on elements, as the scalar instructions have it: values are raw bits, of which those beyond the width
 * do not matter in operands and are 0 in results. Scales say which width; SEW unless given. Flags accrue in fflags.
 */
export interface ElementFloat {
  arithmetic(operation: FloatArithmetic, a: I64, b: I64, scale?: FloatScale): I64;
  /** a × b + c with one rounding. */
  fma(a: I64, b: I64, c: I64, scale?: FloatScale): I64;
  sqrt(a: I64): I64;
  minmax(which: FloatExtremum, a: I64, b: I64): I64;
  /** 0 or 1. */
  compare(which: FloatRelation, a: I64, b: I64): I64;
  classify(a: I64): I64;
  negate(a: I64, scale?: FloatScale): I64;
  /** The magnitude of `a` with the sign of `sign`. */
  withSign(a: I64, sign: I64): I64;
  /** The magnitude of `a` with the sign of `a` xor that of `sign`. */
  xorSign(a: I64, sign: I64): I64;
  /** To an integer as wide as a scale says: beyond its limits it is the nearest of them, and invalid. */
  toInteger(a: I64, signed: boolean, from: FloatScale, to: FloatScale): I64;
  /** From an integer of any width, extended to 64 bits. */
  fromInteger(a: I64, signed: boolean, to: FloatScale): I64;
  /** From SEW to twice that, exactly. */
  widen(a: I64): I64;
  /** From twice SEW to SEW. */
  narrow(a: I64): I64;
  /** An estimate of 7 bits ("Vector Floating-Point Reciprocal (Square-Root) Estimate Instruction"). */
  estimate(what: 'reciprocal' | 'reciprocalRoot', a: I64): I64;
}

/** Fixed-point rounding and saturation, and other facts that computing an element may use. */
export interface ElementTools {
  /** SEW in bits. */
  readonly sew: number;
  /** Evaluates now, once. */
  let<T extends ValType>(value: Expr<T>): Expr<T>;
  /** Sets vxsat if the condition is not 0. */
  saturate(condition: I32): void;
  /**
   * The increment of vxrm for a value that is shifted right and loses bits: 0 or 1 ("Vector Fixed-Point Rounding Mode
   * Register").
   *
   * @param kept the lowest bit that is kept, as bit 0; other bits do not matter
   * @param half the highest bit that is lost, as bit 0; other bits do not matter
   * @param rest 1 if a bit below that one is, else 0
   */
  roundingIncrement(kept: I64, half: I64, rest: I32): I64;
}

/** The operands of one element. Values are extended to 64 bits as their description says. */
export interface ElementOperands extends ElementTools {
  /** The element of vs2. */
  readonly a: I64;
  /** The element of vs1, the scalar or the immediate. */
  readonly b: I64;
  /** The element of vd before. */
  readonly d: I64;
  /** The bit of v0: 0 or 1. */
  readonly bit: I64;
}

/** The value of one element; its bits beyond the width do not matter. Of a mask, only 0 and 1 are values. */
export type ElementFunction = (operands: ElementOperands) => I64;

/** The same with floating point. */
export type FloatFunction = (operands: ElementOperands & { readonly float: ElementFloat }) => I64;

/** How elements are computed, with floating point or without. */
export type Computation =
  | { readonly float?: undefined; readonly compute: ElementFunction }
  | { readonly float: FloatUse; readonly compute: FloatFunction };

/**
 * An operation on 16 bytes at once that does the same, by the name of that of WebAssembly without the shape of the
 * lanes, or, with a first letter f, of floating point. `macc` and the like add products.
 */
export type LaneOperation =
  | ('add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'min_s' | 'min_u' | 'max_s' | 'max_u')
  | ('shl' | 'shr_s' | 'shr_u' | 'reverseSub' | 'second')
  | ('eq' | 'ne' | 'lt_s' | 'lt_u' | 'le_s' | 'le_u' | 'gt_s' | 'gt_u')
  | ('macc' | 'nmsac' | 'madd' | 'nmsub')
  | ('fadd' | 'fsub' | 'fmul' | 'fdiv' | 'fsqrt');

/** ±(b × factor) ± addend with one rounding; of `a` and `d` one is the factor, and the other is added. */
export interface FusedLanes {
  readonly negateProduct: boolean;
  readonly negateAddend: boolean;
  readonly factor: 'a' | 'd';
}

/** Each element of vd is a function of the elements at the same place. */
export type ElementsShape = ElementsFacts & Computation;

export interface ElementsFacts {
  readonly kind: 'elements';
  readonly source: Source;
  /** Width of the result, or that it is a bit of a mask. */
  readonly d: Scale | 'mask';
  /** Width of vs2; undefined where there is none. */
  readonly a: Scale | undefined;
  /** Width of vs1. A scalar is cut to SEW. */
  readonly b: Scale;
  readonly signedA: boolean;
  readonly signedB: boolean;
  /** The old element of vd is an operand. */
  readonly readsD: boolean;
  /** `optional`: elements without a bit in v0 are left alone, if `vm` says so; `operand`: the bit is an operand. */
  readonly mask: 'optional' | 'none' | 'operand';
  readonly lanes?: LaneOperation | FusedLanes;
  /** SEW in bits, if others are reserved. */
  readonly onlySew?: 64;
}

/** vd[0] is vs1[0] combined with all active elements of vs2. */
export type ReductionShape = ReductionFacts & Computation;

/** Of `compute`, `a` is the next element of vs2, `b` the result so far. */
export interface ReductionFacts {
  readonly kind: 'reduction';
  /** Width of vd[0] and vs1[0]. */
  readonly d: 0 | 1;
  readonly signed: boolean;
  readonly lanes?: LaneOperation;
}

/** A bit of vd is a function of bits of vs2 and vs1, on 64 of them at once. */
export interface MaskLogicShape {
  readonly kind: 'mask-logic';
  readonly compute: (a: I64, b: I64) => I64;
}

/** Instructions that are alone of their kind; `src/hart/vector/` has a function for each. */
export interface SpecialShape {
  readonly kind: 'special';
  readonly operation:
    | 'vcpop'
    | 'vfirst'
    | 'vmsbf'
    | 'vmsif'
    | 'vmsof'
    | 'viota'
    | 'vid'
    | 'vmv.x.s'
    | 'vmv.s.x'
    | 'vfmv.f.s'
    | 'vslideup'
    | 'vslidedown'
    | 'vslide1up'
    | 'vslide1down'
    | 'vrgather'
    | 'vrgatherei16'
    | 'vcompress';
  readonly source: Source;
  readonly float?: FloatUse;
}

/** An element group of 128 bits, or of 256: the lower half, then the upper one. */
export type ElementGroup = readonly [V128] | readonly [V128, V128];

/** The operands of one element group, each of as many bits. */
export interface GroupOperands {
  /** The group of vs2. */
  readonly a: ElementGroup;
  /** That of vs1; that of vs2 where there is none. */
  readonly b: ElementGroup;
  /** That of vd before. */
  readonly d: ElementGroup;
  /** The immediate, in the place of vs1. */
  readonly imm: I32;
  /** SEW in bits. */
  readonly sew: number;
  /** Evaluates now, once. */
  let<T extends ValType>(value: Expr<T>): Expr<T>;
}

/**
 * Each element group of vd is a function of those at its place ("Vector Cryptography Extensions", "Element Groups").
 * Where `scalar` says so the first group of vs2, of one register, is an operand of all.
 */
export interface GroupsShape {
  readonly kind: 'groups';
  /** Elements of a group (EGS): vl and vstart are multiples of it. */
  readonly size: 4 | 8;
  readonly hasVs1: boolean;
  readonly scalar: boolean;
  /** Sources that vd may not overlap. */
  readonly disjoint: readonly ('rs1' | 'rs2')[];
  /** The extension that brings elements of 64 bits besides those of 32, if one does. */
  readonly wide?: Extension;
  readonly compute: (operands: GroupOperands) => ElementGroup;
}

/** vmv1r.v to vmv8r.v. */
export interface WholeMoveShape {
  readonly kind: 'whole-move';
  readonly registers: 1 | 2 | 4 | 8;
}

export type Addressing = 'unit' | 'fault-only-first' | 'strided' | 'indexed' | 'mask' | 'whole';

export interface MemoryShape {
  readonly kind: 'memory';
  readonly stores: boolean;
  readonly addressing: Addressing;
  /** Log2 of the bytes of an element in memory; of an index where the addressing has them. */
  readonly eew: 0 | 1 | 2 | 3;
  /** Fields of a segment; the registers of a whole-register access. */
  readonly fields: number;
}

export interface ConfigurationShape {
  readonly kind: 'configuration';
  /** Where the number of elements comes from, and the type. */
  readonly avl: 'x' | 'i';
  readonly type: 'i' | 'x';
}

/** The kind of a vector instruction: by this the hart knows which encodings are legal, and generates code. */
export type VectorShape =
  | ElementsShape
  | ReductionShape
  | MaskLogicShape
  | GroupsShape
  | SpecialShape
  | WholeMoveShape
  | MemoryShape
  | ConfigurationShape;

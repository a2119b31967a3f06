import type { Expr, I32, I64, ValType } from '../../wasm/index.ts';

/** Width of the elements of an operand as log2 of its ratio to SEW: 1 for 2 × SEW, -3 for SEW / 8. */
export type Scale = -3 | -2 | -1 | 0 | 1;

/** Where the second operand of an instruction comes from: elements of vs1, x[rs1], an immediate, f[rs1]. */
export type Source = 'v' | 'x' | 'i' | 'u' | 'f' | 'none';

/** Fixed-point rounding and saturation, and what else computing an element may use. */
export interface ElementTools {
  /** SEW in bits. */
  readonly sew: number;
  /** Evaluates now, once. */
  let<T extends ValType>(value: Expr<T>): Expr<T>;
  /** Sets vxsat if the condition is not 0. */
  saturate(condition: I32): void;
  /**
   * What vxrm adds to a value that is shifted right and loses bits: 0 or 1 ("Vector Fixed-Point Rounding Mode
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

/** An operation of WebAssembly on 16 bytes at once that does the same, by its name without the shape of the lanes. */
export type LaneOperation =
  | 'add'
  | 'sub'
  | 'mul'
  | 'and'
  | 'or'
  | 'xor'
  | 'min_s'
  | 'min_u'
  | 'max_s'
  | 'max_u'
  | 'reverseSub'
  | 'second';

/** Each element of vd is a function of the elements at the same place. */
export interface ElementsShape {
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
  readonly compute: ElementFunction;
  readonly lanes?: LaneOperation;
}

/** vd[0] is vs1[0] combined with all active elements of vs2. */
export interface ReductionShape {
  readonly kind: 'reduction';
  /** Width of vd[0] and vs1[0]. */
  readonly d: 0 | 1;
  readonly signed: boolean;
  /** `a` is the next element of vs2, `b` what has come out so far. */
  readonly compute: ElementFunction;
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
    | 'vslideup'
    | 'vslidedown'
    | 'vslide1up'
    | 'vslide1down'
    | 'vrgather'
    | 'vrgatherei16'
    | 'vcompress';
  readonly source: Source;
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

/** What an instruction does with vectors: by this the hart knows which encodings are legal, and generates code. */
export type VectorShape =
  | ElementsShape
  | ReductionShape
  | MaskLogicShape
  | SpecialShape
  | WholeMoveShape
  | MemoryShape
  | ConfigurationShape;

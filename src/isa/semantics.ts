import type { Expr, I32, I64, ValType } from '../wasm/index.ts';

/** Width of integer registers and addresses in bits: RV32 or RV64. */
export type Xlen = 32 | 64;

/** Memory accesses of loads: width in bits and how the value is extended to 64 bits. */
export type LoadKind = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64';

/** Width of a store in bits; the low bits of the value are written. */
export type StoreWidth = 8 | 16 | 32 | 64;

/** Width of LR and SC in bits. */
export type AtomicWidth = 32 | 64;

/** Width of an atomic memory operation in bits. */
export type AmoWidth = 8 | 16 | AtomicWidth;

/** The operation of an atomic access on the old value and the operand. */
export type AmoOperation = 'swap' | 'add' | 'and' | 'or' | 'xor' | 'max' | 'min' | 'maxu' | 'minu';

/** The formats of floating-point values: binary16 and binary32 (bits as i32), and binary64 (bits as i64). */
export type FloatFormat = 'h' | 's' | 'd';

/** Which of two values; `m`: NaN if there is one. */
export type FloatExtremum = 'min' | 'max' | 'minm' | 'maxm';

/** Comparisons; `q`: quiet NaNs are not invalid. */
export type FloatRelation = 'eq' | 'lt' | 'le' | 'ltq' | 'leq';

/** Floating-point operations on raw bits that round and accrue flags. */
export type FloatArithmetic = 'add' | 'sub' | 'mul' | 'div';

/** Integer formats that floating-point values are converted from and to. */
export type IntegerFormat = 'w' | 'wu' | 'l' | 'lu';

/** The bits of a floating-point value: i32 for halves and singles, i64 for doubles. */
export interface FloatBits {
  readonly h: I32;
  readonly s: I32;
  readonly d: I64;
}

/** Reads the floating-point register operands of an instruction. */
export interface FloatSource {
  /** As a half, its upper bits 0; the canonical NaN if it is not NaN-boxed. */
  readonly h: I32;
  /** As a single: the low half if it is NaN-boxed, else the canonical NaN (F extension, "NaN boxing"). */
  readonly s: I32;
  readonly d: I64;
  /** All 64 bits as they stand. */
  readonly raw: I64;
}

/** Floating point: operands, destination, and arithmetic that honours `rm` and accrues flags in `fcsr`. */
export interface FloatSemantics {
  readonly rs1: FloatSource;
  readonly rs2: FloatSource;
  readonly rs3: FloatSource;
  readonly rd: {
    /** NaN-boxes a half, whose upper bits are 0. */
    setH(bits: I32): void;
    /** NaN-boxes a single. */
    setS(bits: I32): void;
    setD(bits: I64): void;
  };
  arithmetic<F extends FloatFormat>(
    operation: FloatArithmetic,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F];
  sqrt<F extends FloatFormat>(format: F, a: FloatBits[F]): FloatBits[F];
  /** a * b + c with one rounding. */
  fma<F extends FloatFormat>(format: F, a: FloatBits[F], b: FloatBits[F], c: FloatBits[F]): FloatBits[F];
  minmax<F extends FloatFormat>(
    which: FloatExtremum,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F];
  /** 0 or 1; `lt` and `le` signal NV on any NaN, the others on signalling ones. */
  compare<F extends FloatFormat>(which: FloatRelation, format: F, a: FloatBits[F], b: FloatBits[F]): I32;
  classify<F extends FloatFormat>(format: F, a: FloatBits[F]): I32;
  toInteger<F extends FloatFormat>(to: IntegerFormat, format: F, a: FloatBits[F]): I64;
  fromInteger<F extends FloatFormat>(from: IntegerFormat, format: F, a: I64): FloatBits[F];
  /** To an integral number; `roundInexact` signals NX if that changes it. */
  round<F extends FloatFormat>(which: 'round' | 'roundInexact', format: F, a: FloatBits[F]): FloatBits[F];
  /** binary64 toward zero to an integer modulo 2^32, sign-extended. */
  toModularWord(a: I64): I64;
  /** To and from binary16. */
  toHalf<F extends 's' | 'd'>(from: F, a: FloatBits[F]): I32;
  fromHalf<F extends 's' | 'd'>(to: F, a: I32): FloatBits[F];
  /** binary64 to binary32. */
  narrow(a: I64): I32;
  /** binary32 to binary64. */
  widen(a: I32): I64;
}

/** Memory as the guest sees it: virtual addresses, translation and protection of the current mode. */
export interface MemorySemantics {
  /** The loaded value, extended to 64 bits and named: it may be used more than once. */
  load(kind: LoadKind, address: I64): I64;
  store(width: StoreWidth, address: I64, value: I64): void;
  /** The old value, sign-extended and named. */
  amo(operation: AmoOperation, width: AmoWidth, address: I64, value: I64): I64;
  /** Stores the value if the old one is as expected, of which upper bits do not matter; the old one, as for `amo`. */
  compareExchange(width: AmoWidth, address: I64, expected: I64, value: I64): I64;
  loadReserved(width: AtomicWidth, address: I64): I64;
  /** 0 when the store was done, 1 when it was not. */
  storeConditional(width: AtomicWidth, address: I64, value: I64): I64;
  /** Orders all earlier memory accesses of this hart before all later ones. */
  fence(): void;
}

/**
 * The tools of an instruction's semantics. A back end (the interpreter, the compiler) provides them and decides
 * where registers live; statements take effect in the order in which they are called.
 *
 * Expressions for operands are read when a statement consumes them: after `rd.set`, `rs1` may have changed if both are
 * the same register, so name values that are needed later with `let`.
 *
 * Semantics take members out by destructuring: no member may depend on `this`.
 */
export interface Semantics {
  /** Integer source registers; x0 reads 0. */
  readonly rs1: I64;
  readonly rs2: I64;
  /** Sign-extended immediate; the amount of a shift; the 5-bit immediate of `csrrwi`. */
  readonly imm: I64;
  /** Address of this instruction. */
  readonly pc: I64;
  /** Address of the instruction behind this one. */
  readonly nextPc: I64;
  /** Its value before, which few instructions want, and its new one. */
  readonly rd: { readonly value: I64; set(value: I64): void };
  readonly float: FloatSemantics;
  readonly memory: MemorySemantics;
  /** Evaluates now, once. */
  let<T extends ValType>(value: Expr<T>): Expr<T>;
  /** Goes to `pc + imm` if the condition is not 0; must be the last statement. */
  branch(condition: I32): void;
  /** Goes to `pc + imm`; must be the last statement. */
  jump(): void;
  /** Goes to an address; must be the last statement. */
  jumpTo(target: I64): void;
  /** The code waits in a loop for another hart: a hint to the code that shares the processor out. */
  pause(): void;
  /** The hart carries this instruction out itself (privileged and rare ones); must be the only statement. */
  system(): void;
}

/**
 * The meaning of an instruction, written once for every back end and both widths. Values have 64 bits: on RV32 those of
 * registers are sign-extended, `pc` and `nextPc` zero-extended. Results and addresses may have any upper half there:
 * {@link emitSemantics} sees to it, except that back ends themselves keep `pc + imm` of jumps and branches within XLEN.
 */
export type SemanticsOf = (s: Semantics, xlen: Xlen) => void;

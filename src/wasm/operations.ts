/**
 * The instructions of WebAssembly as typed expression factories, named as in the specification: `i64.add(a, b)`.
 * A few identities (adding 0, masking with all ones) are folded, so that generators need not look for them.
 */
import {
  Atomic,
  Binary,
  Call,
  CallIndirect,
  type Expr,
  type FunctionRef,
  type FunctionType,
  I32Const,
  I64Const,
  Load,
  type Local,
  RelaxedMadd,
  Select,
  Tee,
  Unary,
  type ValType,
} from './expression.ts';

type I32 = Expr<'i32'>;
type I64 = Expr<'i64'>;
type F32 = Expr<'f32'>;
type F64 = Expr<'f64'>;

const unary =
  <A extends ValType, R extends ValType>(type: R, opcode: number) =>
  (operand: Expr<A>): Expr<R> =>
    new Unary(type, opcode, operand);

/** A change of type that keeps the bits; done and undone again it is nothing. */
const reinterpret =
  <A extends ValType, R extends ValType>(type: R, opcode: number, inverse: number) =>
  (operand: Expr<A>): Expr<R> => {
    const original = operand instanceof Unary ? operand.operandOf(inverse) : undefined;
    return original === undefined ? new Unary(type, opcode, operand) : (original as Expr as Expr<R>);
  };

const binary =
  <A extends ValType, R extends ValType>(type: R, opcode: number) =>
  (left: Expr<A>, right: Expr<A>): Expr<R> =>
    new Binary(type, opcode, left, right);

const load =
  <T extends ValType>(type: T, opcode: number) =>
  (address: I32, offset = 0): Expr<T> =>
    new Load(type, opcode, address, offset);

const isZero = (expr: Expr): boolean =>
  (expr instanceof I32Const || expr instanceof I64Const) && Number(expr.value) === 0;

/** A binary operation for which a zero right operand is the identity (add, or, xor, shifts). */
const binaryZeroRight = <T extends ValType>(type: T, opcode: number) => {
  const make = binary<T, T>(type, opcode);
  return (left: Expr<T>, right: Expr<T>): Expr<T> => (isZero(right) ? left : make(left, right));
};

const atomicLoad =
  <T extends ValType>(type: T, opcode: number, alignment: number) =>
  (address: I32, offset = 0): Expr<T> =>
    new Atomic(type, opcode, alignment, offset, [address]);

const atomicRmw =
  <T extends ValType>(type: T, opcode: number, alignment: number) =>
  (address: I32, value: Expr<T>, offset = 0): Expr<T> =>
    new Atomic(type, opcode, alignment, offset, [address, value]);

const atomicCompareExchange =
  <T extends ValType>(type: T, opcode: number, alignment: number) =>
  (address: I32, expected: Expr<T>, replacement: Expr<T>, offset = 0): Expr<T> =>
    new Atomic(type, opcode, alignment, offset, [address, expected, replacement]);

export const i32 = {
  const: (value: number): I32 => new I32Const(value),
  load: load('i32', 0x28),
  load8_s: load('i32', 0x2c),
  load8_u: load('i32', 0x2d),
  load16_s: load('i32', 0x2e),
  load16_u: load('i32', 0x2f),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  lt_s: binary<'i32', 'i32'>('i32', 0x48),
  lt_u: binary<'i32', 'i32'>('i32', 0x49),
  gt_s: binary<'i32', 'i32'>('i32', 0x4a),
  gt_u: binary<'i32', 'i32'>('i32', 0x4b),
  le_s: binary<'i32', 'i32'>('i32', 0x4c),
  le_u: binary<'i32', 'i32'>('i32', 0x4d),
  ge_s: binary<'i32', 'i32'>('i32', 0x4e),
  ge_u: binary<'i32', 'i32'>('i32', 0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  popcnt: unary<'i32', 'i32'>('i32', 0x69),
  add: binaryZeroRight('i32', 0x6a),
  sub: binaryZeroRight('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  div_s: binary<'i32', 'i32'>('i32', 0x6d),
  div_u: binary<'i32', 'i32'>('i32', 0x6e),
  rem_s: binary<'i32', 'i32'>('i32', 0x6f),
  rem_u: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binaryZeroRight('i32', 0x72),
  xor: binaryZeroRight('i32', 0x73),
  shl: binaryZeroRight('i32', 0x74),
  shr_s: binaryZeroRight('i32', 0x75),
  shr_u: binaryZeroRight('i32', 0x76),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  wrap_i64: unary<'i64', 'i32'>('i32', 0xa7),
  trunc_sat_f32_s: unary<'f32', 'i32'>('i32', 0xfc00),
  trunc_sat_f32_u: unary<'f32', 'i32'>('i32', 0xfc01),
  trunc_sat_f64_s: unary<'f64', 'i32'>('i32', 0xfc02),
  trunc_sat_f64_u: unary<'f64', 'i32'>('i32', 0xfc03),
  reinterpret_f32: reinterpret<'f32', 'i32'>('i32', 0xbc, 0xbe),
  extend8_s: unary<'i32', 'i32'>('i32', 0xc0),
  extend16_s: unary<'i32', 'i32'>('i32', 0xc1),
  atomic: {
    load: atomicLoad('i32', 0x10, 2),
    rmwAdd: atomicRmw('i32', 0x1e, 2),
    rmwAnd: atomicRmw('i32', 0x2c, 2),
    rmwOr: atomicRmw('i32', 0x33, 2),
    rmwXor: atomicRmw('i32', 0x3a, 2),
    rmwXchg: atomicRmw('i32', 0x41, 2),
    rmwCmpxchg: atomicCompareExchange('i32', 0x48, 2),
    ...{ load8_u: atomicLoad('i32', 0x12, 0), load16_u: atomicLoad('i32', 0x13, 1) },
    ...{ rmw8Add: atomicRmw('i32', 0x20, 0), rmw16Add: atomicRmw('i32', 0x21, 1) },
    ...{ rmw8And: atomicRmw('i32', 0x2e, 0), rmw16And: atomicRmw('i32', 0x2f, 1) },
    ...{ rmw8Or: atomicRmw('i32', 0x35, 0), rmw16Or: atomicRmw('i32', 0x36, 1) },
    ...{ rmw8Xor: atomicRmw('i32', 0x3c, 0), rmw16Xor: atomicRmw('i32', 0x3d, 1) },
    ...{ rmw8Xchg: atomicRmw('i32', 0x43, 0), rmw16Xchg: atomicRmw('i32', 0x44, 1) },
    /** The value that is expected is compared as it is, with the old one zero-extended. */
    ...{
      rmw8Cmpxchg: atomicCompareExchange('i32', 0x4a, 0),
      rmw16Cmpxchg: atomicCompareExchange('i32', 0x4b, 1),
    },
    /** Wakes up to `count` waiters; the number woken. */
    notify: (address: I32, count: I32, offset = 0): I32 =>
      new Atomic('i32', 0x00, 2, offset, [address, count]),
  },
} as const;

export const i64 = {
  /** Numbers must be safe integers. */
  const: (value: number | bigint): I64 => new I64Const(value),
  load: load('i64', 0x29),
  load8_s: load('i64', 0x30),
  load8_u: load('i64', 0x31),
  load16_s: load('i64', 0x32),
  load16_u: load('i64', 0x33),
  load32_s: load('i64', 0x34),
  load32_u: load('i64', 0x35),
  eqz: unary<'i64', 'i32'>('i32', 0x50),
  eq: binary<'i64', 'i32'>('i32', 0x51),
  ne: binary<'i64', 'i32'>('i32', 0x52),
  lt_s: binary<'i64', 'i32'>('i32', 0x53),
  lt_u: binary<'i64', 'i32'>('i32', 0x54),
  gt_s: binary<'i64', 'i32'>('i32', 0x55),
  gt_u: binary<'i64', 'i32'>('i32', 0x56),
  le_s: binary<'i64', 'i32'>('i32', 0x57),
  le_u: binary<'i64', 'i32'>('i32', 0x58),
  ge_s: binary<'i64', 'i32'>('i32', 0x59),
  ge_u: binary<'i64', 'i32'>('i32', 0x5a),
  clz: unary<'i64', 'i64'>('i64', 0x79),
  ctz: unary<'i64', 'i64'>('i64', 0x7a),
  popcnt: unary<'i64', 'i64'>('i64', 0x7b),
  add: binaryZeroRight('i64', 0x7c),
  sub: binaryZeroRight('i64', 0x7d),
  mul: binary<'i64', 'i64'>('i64', 0x7e),
  div_s: binary<'i64', 'i64'>('i64', 0x7f),
  div_u: binary<'i64', 'i64'>('i64', 0x80),
  rem_s: binary<'i64', 'i64'>('i64', 0x81),
  rem_u: binary<'i64', 'i64'>('i64', 0x82),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binaryZeroRight('i64', 0x84),
  xor: binaryZeroRight('i64', 0x85),
  shl: binaryZeroRight('i64', 0x86),
  shr_s: binaryZeroRight('i64', 0x87),
  shr_u: binaryZeroRight('i64', 0x88),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  extend_i32_s: unary<'i32', 'i64'>('i64', 0xac),
  extend_i32_u: unary<'i32', 'i64'>('i64', 0xad),
  trunc_sat_f32_s: unary<'f32', 'i64'>('i64', 0xfc04),
  trunc_sat_f32_u: unary<'f32', 'i64'>('i64', 0xfc05),
  trunc_sat_f64_s: unary<'f64', 'i64'>('i64', 0xfc06),
  trunc_sat_f64_u: unary<'f64', 'i64'>('i64', 0xfc07),
  reinterpret_f64: reinterpret<'f64', 'i64'>('i64', 0xbd, 0xbf),
  extend8_s: unary<'i64', 'i64'>('i64', 0xc2),
  extend16_s: unary<'i64', 'i64'>('i64', 0xc3),
  extend32_s: unary<'i64', 'i64'>('i64', 0xc4),
  atomic: {
    load: atomicLoad('i64', 0x11, 3),
    rmwAdd: atomicRmw('i64', 0x1f, 3),
    rmwAnd: atomicRmw('i64', 0x2d, 3),
    rmwOr: atomicRmw('i64', 0x34, 3),
    rmwXor: atomicRmw('i64', 0x3b, 3),
    rmwXchg: atomicRmw('i64', 0x42, 3),
    rmwCmpxchg: atomicCompareExchange('i64', 0x49, 3),
  },
} as const;

export const f32 = {
  load: load('f32', 0x2a),
  eq: binary<'f32', 'i32'>('i32', 0x5b),
  ne: binary<'f32', 'i32'>('i32', 0x5c),
  lt: binary<'f32', 'i32'>('i32', 0x5d),
  gt: binary<'f32', 'i32'>('i32', 0x5e),
  le: binary<'f32', 'i32'>('i32', 0x5f),
  ge: binary<'f32', 'i32'>('i32', 0x60),
  abs: unary<'f32', 'f32'>('f32', 0x8b),
  neg: unary<'f32', 'f32'>('f32', 0x8c),
  sqrt: unary<'f32', 'f32'>('f32', 0x91),
  add: binary<'f32', 'f32'>('f32', 0x92),
  sub: binary<'f32', 'f32'>('f32', 0x93),
  mul: binary<'f32', 'f32'>('f32', 0x94),
  div: binary<'f32', 'f32'>('f32', 0x95),
  convert_i32_s: unary<'i32', 'f32'>('f32', 0xb2),
  convert_i32_u: unary<'i32', 'f32'>('f32', 0xb3),
  convert_i64_s: unary<'i64', 'f32'>('f32', 0xb4),
  convert_i64_u: unary<'i64', 'f32'>('f32', 0xb5),
  demote_f64: unary<'f64', 'f32'>('f32', 0xb6),
  reinterpret_i32: reinterpret<'i32', 'f32'>('f32', 0xbe, 0xbc),
} as const;

export const f64 = {
  load: load('f64', 0x2b),
  eq: binary<'f64', 'i32'>('i32', 0x61),
  ne: binary<'f64', 'i32'>('i32', 0x62),
  lt: binary<'f64', 'i32'>('i32', 0x63),
  gt: binary<'f64', 'i32'>('i32', 0x64),
  le: binary<'f64', 'i32'>('i32', 0x65),
  ge: binary<'f64', 'i32'>('i32', 0x66),
  abs: unary<'f64', 'f64'>('f64', 0x99),
  neg: unary<'f64', 'f64'>('f64', 0x9a),
  ceil: unary<'f64', 'f64'>('f64', 0x9b),
  floor: unary<'f64', 'f64'>('f64', 0x9c),
  trunc: unary<'f64', 'f64'>('f64', 0x9d),
  nearest: unary<'f64', 'f64'>('f64', 0x9e),
  sqrt: unary<'f64', 'f64'>('f64', 0x9f),
  add: binary<'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64'>('f64', 0xa3),
  copysign: binary<'f64', 'f64'>('f64', 0xa6),
  convert_i32_s: unary<'i32', 'f64'>('f64', 0xb7),
  convert_i32_u: unary<'i32', 'f64'>('f64', 0xb8),
  convert_i64_s: unary<'i64', 'f64'>('f64', 0xb9),
  convert_i64_u: unary<'i64', 'f64'>('f64', 0xba),
  promote_f32: unary<'f32', 'f64'>('f64', 0xbb),
  reinterpret_i64: reinterpret<'i64', 'f64'>('f64', 0xbf, 0xbd),
} as const;

/** `condition ? whenTrue : whenFalse`, without a branch: both sides are evaluated. */
export function select<T extends ValType>(condition: I32, whenTrue: Expr<T>, whenFalse: Expr<T>): Expr<T> {
  return new Select(condition, whenTrue, whenFalse);
}

/** a × b + c, rounded once or twice, whichever the engine always does. */
export function relaxedMadd<T extends 'f32' | 'f64'>(a: Expr<T>, b: Expr<T>, c: Expr<T>): Expr<T> {
  return new RelaxedMadd(a.type, [a, b, c]);
}

/** Sets a local and has its new value. */
export function tee<T extends ValType>(local: Local<T>, value: Expr<T>): Expr<T> {
  return new Tee(local, value);
}

/** The value of calling `callee`. */
export function call<T extends ValType>(callee: FunctionRef<T>, ...args: readonly Expr[]): Expr<T> {
  return new Call(callee, args);
}

/** The value of calling the function at index `element` of the module's table. */
export function callIndirect<T extends ValType>(
  callee: FunctionType<T>,
  element: I32,
  ...args: readonly Expr[]
): Expr<T> {
  return new CallIndirect(callee, element, args);
}

export type { F32, F64, I32, I64 };

import type { Expr, FunctionRef, Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { call, f32, f64, type I32, i32, i64, select } from '../wasm/operations.ts';
import { FLAG, inexactSeen, raise } from './flags.ts';
import {
  BINARY32,
  BINARY64,
  type Bits,
  type Format,
  hasFiniteValue,
  isSafelyNormal,
  type Native,
  type RawFormat,
} from './format.ts';
import {
  defineSlowAdd,
  defineSlowDiv,
  defineSlowMul,
  defineSlowSqrt,
  type SlowContext,
} from './slow-arithmetic.ts';
import { defineSlowFma } from './slow-fma.ts';

/*
 * The fast paths. All of them need round-to-nearest-even, the only mode of WebAssembly. The native result is right
 * then; it is left to find out whether a flag must be raised. Each case in doubt goes to the slow function.
 */

type Body<B extends Bits> = (f: FunctionBuilder, operands: readonly Local<B>[], flags: Local<'i32'>) => void;

/** Defines a function (operands..., rm, flags) that tries `body` in round-to-nearest-even, then calls `slow`. */
function defineFast<B extends Bits, F extends Native>(
  ctx: SlowContext<B, F>,
  name: string,
  count: number,
  slow: FunctionRef<B>,
  body: Body<B>,
): FunctionRef<B> {
  const { module, format } = ctx;
  const params = [...new Array<B>(count).fill(format.bits), 'i32' as const, 'i32' as const];
  return module.function(`${format.name}.${name}`, params, format.bits, (f) => {
    const operands = Array.from({ length: count }, (_, index) => f.param(index, format.bits));
    const rm = f.param(count, 'i32');
    const flags = f.param(count + 1, 'i32');
    f.if(i32.eqz(rm), () => body(f, operands, flags));
    f.return(call(slow, ...operands, rm, flags));
  });
}

/** The sum or difference x ± y. A finite one never underflows: a tiny one is exact. */
function sumBody<B extends Bits, F extends Native>(format: Format<B, F>, subtract: boolean): Body<B> {
  const { native } = format;
  return (f, [a, b], flags) => {
    const x = f.let(format.toFloat(a));
    const y = f.let(format.toFloat(b));
    const sum = f.let(subtract ? native.sub(x, y) : native.add(x, y));
    const bits = f.let(format.toBits(sum));
    f.if(hasFiniteValue(format, bits), () => {
      f.if(inexactSeen(flags), () => f.return(bits));
      // The sum less its larger operand is exact (Dekker), so it equals the other one only if the sum is exact too.
      const xBack = subtract ? native.add(sum, y) : native.sub(sum, y);
      const yBack = subtract ? native.sub(x, sum) : native.sub(sum, x);
      const exact = i32.and(native.eq(xBack, x), native.eq(yBack, y));
      raise(f, flags, i32.eqz(exact));
      f.return(bits);
    });
  };
}

/** Returns `bits` if it is normal and only inexactness could be raised, which was seen or is excluded by `exact`. */
function returnNormal<B extends Bits>(
  f: FunctionBuilder,
  format: RawFormat<B>,
  bits: Local<B>,
  flags: Local<'i32'>,
  exact: I32,
): void {
  f.if(isSafelyNormal(format, bits), () => {
    f.if(inexactSeen(flags), () => f.return(bits));
    f.if(exact, () => f.return(bits));
  });
}

/** Number of low zero bits of the significand of a normal binary64 number. */
function trailingZeros(bits: Local<'i64'>): I32 {
  return i32.wrap_i64(i64.ctz(i64.or(bits, i64.const(1n << 52n))));
}

/** Whether the product of two normal numbers certainly fits 53 bits. */
function productFits(a: Local<'i64'>, b: Local<'i64'>): I32 {
  return i32.ge_u(i32.add(trailingZeros(a), trailingZeros(b)), i32.const(53));
}

const float64 = BINARY64.toFloat;

const mul64: Body<'i64'> = (f, [a, b], flags) => {
  const product = f.let(BINARY64.toBits(f64.mul(float64(a), float64(b))));
  returnNormal(f, BINARY64, product, flags, productFits(a, b));
};

const div64: Body<'i64'> = (f, [a, b], flags) => {
  const quotient = f.let(BINARY64.toBits(f64.div(float64(a), float64(b))));
  const back = f64.mul(float64(quotient), float64(b));
  returnNormal(f, BINARY64, quotient, flags, i32.and(productFits(quotient, b), f64.eq(back, float64(a))));
};

const sqrt64: Body<'i64'> = (f, [a], flags) => {
  const root = f.let(BINARY64.toBits(f64.sqrt(float64(a))));
  const back = f64.mul(float64(root), float64(root));
  returnNormal(f, BINARY64, root, flags, i32.and(productFits(root, root), f64.eq(back, float64(a))));
};

/** The exact sum of two numbers as its rounded value and the rest (Knuth's TwoSum). */
function exactSum(
  f: FunctionBuilder,
  a: Local<'f64'>,
  b: Local<'f64'>,
): { sum: Local<'f64'>; rest: Local<'f64'> } {
  const sum = f.let(f64.add(a, b));
  const partB = f.let(f64.sub(sum, a));
  const rest = f64.add(f64.sub(a, f64.sub(sum, partB)), f64.sub(b, partB));
  return { sum, rest: f.let(rest) };
}

/** The difference of a × b and the rounded product (Dekker, with Veltkamp's splitting into 26 bits). */
function productRest(
  f: FunctionBuilder,
  a: Local<'f64'>,
  b: Local<'f64'>,
  product: Local<'f64'>,
): Local<'f64'> {
  const split = (x: Local<'f64'>) => {
    const scaled = f.let(f64.mul(x, f64.convert_i32_s(i32.const((1 << 27) + 1))));
    const high = f.let(f64.sub(scaled, f64.sub(scaled, x)));
    return { high, low: f.let(f64.sub(x, high)) };
  };
  const x = split(a);
  const y = split(b);
  const outer = f64.sub(f64.mul(x.high, y.high), product);
  const cross = f64.add(f64.add(outer, f64.mul(x.high, y.low)), f64.mul(x.low, y.high));
  return f.let(f64.add(cross, f64.mul(x.low, y.low)));
}

/**
 * Rounds the sum of `sum` and a rest to odd: of the two numbers around the exact sum, the one whose significand is
 * odd. The last bit then tells a later rounding, which is inexact because of it, that something was lost.
 */
function makeOdd(f: FunctionBuilder, sum: Local<'f64'>, rest: Local<'f64'>): void {
  const zero = f64.convert_i32_s(i32.const(0));
  const bits = f.let(i64.reinterpret_f64(sum));
  f.if(i32.and(f64.ne(rest, zero), i64.eqz(i64.and(bits, i64.const(1)))), () => {
    const outward = i32.eq(f64.gt(rest, zero), f64.gt(sum, zero));
    f.set(sum, f64.reinterpret_i64(i64.add(bits, select(outward, i64.const(1), i64.const(-1)))));
  });
}

/** Whether the exponent of a binary64 number is so moderate that the parts of a product with another one are exact. */
function isModerate(bits: Local<'i64'>): I32 {
  const lowest = 623n << 53n;
  return i64.lt_u(i64.sub(i64.shl(bits, i64.const(1)), i64.const(lowest)), i64.const(800n << 53n));
}

/**
 * a × b + c = sum + sumRest + productRest. The two rests together, rounded to odd, are added last. If sumRest is zero,
 * nothing is rounded before that. Otherwise the sum did not cancel, so that the rests are about an ulp of it at most
 * and their odd last bit is far below that of the result (Boldo and Melquiond, "Emulation of FMA and correctly rounded
 * sums: proved algorithms using rounding to odd").
 */
const fma64: Body<'i64'> = (f, [a, b, c], flags) => {
  f.if(i32.and(isModerate(a), isModerate(b)), () => {
    const x = f.let(float64(a));
    const y = f.let(float64(b));
    const product = f.let(f64.mul(x, y));
    const { sum, rest: sumRest } = exactSum(f, product, f.let(float64(c)));
    const { sum: rests, rest } = exactSum(f, sumRest, productRest(f, x, y, product));
    makeOdd(f, rests, rest);
    const result = f.let(f64.add(sum, rests));
    const bits = f.let(BINARY64.toBits(result));
    const back = i32.and(f64.eq(f64.sub(result, sum), rests), f64.eq(f64.sub(result, rests), sum));
    f.if(isSafelyNormal(BINARY64, bits), () => {
      f.if(i32.eqz(inexactSeen(flags)), () => raise(f, flags, i32.eqz(back)));
      f.return(bits);
    });
  });
};

/*
 * binary32 by way of binary64, where the product of two binary32 numbers is exact. Rounding the binary64 quotient or
 * root again gives the binary32 one, since 53 >= 2 × 24 + 2 (Figueroa, "When is double rounding innocuous?").
 */

const promote = (bits: Expr<'i32'>) => f64.promote_f32(f32.reinterpret_i32(bits));

/** Returns `bits` if it is normal, after raising inexact if `inexact` is 1. */
function returnNormal32(f: FunctionBuilder, bits: Local<'i32'>, flags: Local<'i32'>, inexact: I32): void {
  f.if(isSafelyNormal(BINARY32, bits), () => {
    raise(f, flags, inexact);
    f.return(bits);
  });
}

const mul32: Body<'i32'> = (f, [a, b], flags) => {
  const product = f.let(f64.mul(promote(a), promote(b)));
  const bits = f.let(i32.reinterpret_f32(f32.demote_f64(product)));
  f.if(f64.eq(promote(bits), product), () => f.return(bits));
  returnNormal32(f, bits, flags, i32.const(FLAG.inexact));
};

const div32: Body<'i32'> = (f, [a, b], flags) => {
  const x = f.let(promote(a));
  const y = f.let(promote(b));
  const bits = f.let(i32.reinterpret_f32(f32.demote_f64(f64.div(x, y))));
  returnNormal32(f, bits, flags, f64.ne(f64.mul(promote(bits), y), x));
};

const sqrt32: Body<'i32'> = (f, [a], flags) => {
  const bits = f.let(i32.reinterpret_f32(f32.sqrt(f32.reinterpret_i32(a))));
  const root = f.let(promote(bits));
  returnNormal32(f, bits, flags, f64.ne(f64.mul(root, root), promote(a)));
};

/**
 * The exact product plus the addend, rounded to odd in binary64, then to binary32 (Boldo and Melquiond, "Emulation of
 * FMA and correctly rounded sums: proved algorithms using rounding to odd").
 */
const fma32: Body<'i32'> = (f, [a, b, c], flags) => {
  const product = f.let(f64.mul(promote(a), promote(b)));
  const addend = f.let(promote(c));
  const { sum, rest } = exactSum(f, product, addend);
  makeOdd(f, sum, rest);
  const bits = f.let(i32.reinterpret_f32(f32.demote_f64(sum)));
  returnNormal32(f, bits, flags, f64.ne(promote(bits), sum));
};

/** The operations (operands..., rm: i32, flags: i32) that round. */
export interface ArithmeticFunctions<B extends Bits> {
  readonly add: FunctionRef<B>;
  readonly sub: FunctionRef<B>;
  readonly mul: FunctionRef<B>;
  readonly div: FunctionRef<B>;
  readonly sqrt: FunctionRef<B>;
  /** (a, b, c): a × b + c with one rounding. */
  readonly fma: FunctionRef<B>;
}

function defineSums<B extends Bits, F extends Native>(
  ctx: SlowContext<B, F>,
): Pick<ArithmeticFunctions<B>, 'add' | 'sub'> {
  const { module, format } = ctx;
  const slowAdd = defineSlowAdd(ctx);
  const slowSub = module.function(slowAdd.name.replace('add', 'sub'), slowAdd.params, format.bits, (f) => {
    const [a, b] = [f.param(0, format.bits), f.param(1, format.bits)];
    const negated = format.integer.xor(b, format.integer.const(format.sign));
    f.return(call(slowAdd, a, negated, f.param(2, 'i32'), f.param(3, 'i32')));
  });
  return {
    add: defineFast(ctx, 'add', 2, slowAdd, sumBody(format, false)),
    sub: defineFast(ctx, 'sub', 2, slowSub, sumBody(format, true)),
  };
}

export function defineArithmetic32(ctx: SlowContext<'i32', 'f32'>): ArithmeticFunctions<'i32'> {
  return {
    ...defineSums(ctx),
    mul: defineFast(ctx, 'mul', 2, defineSlowMul(ctx), mul32),
    div: defineFast(ctx, 'div', 2, defineSlowDiv(ctx), div32),
    sqrt: defineFast(ctx, 'sqrt', 1, defineSlowSqrt(ctx), sqrt32),
    fma: defineFast(ctx, 'fma', 3, defineSlowFma(ctx), fma32),
  };
}

export function defineArithmetic64(ctx: SlowContext<'i64', 'f64'>): ArithmeticFunctions<'i64'> {
  return {
    ...defineSums(ctx),
    mul: defineFast(ctx, 'mul', 2, defineSlowMul(ctx), mul64),
    div: defineFast(ctx, 'div', 2, defineSlowDiv(ctx), div64),
    sqrt: defineFast(ctx, 'sqrt', 1, defineSlowSqrt(ctx), sqrt64),
    fma: defineFast(ctx, 'fma', 3, defineSlowFma(ctx), fma64),
  };
}

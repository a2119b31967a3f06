import type { Expr, FunctionRef } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { call, f64, type I32, type I64, i32, i64, select } from '../wasm/operations.ts';
import { type CompareFunctions, defineClassify } from './compare.ts';
import type { ResizeFunctions } from './convert.ts';
import { FLAG, raise } from './flags.ts';
import { BINARY16, BINARY64, isNan, isSignallingNan, isSpecial, isZero } from './format.ts';
import type { FormatFunctions } from './format-functions.ts';
import type { FunctionHome } from './function-home.ts';
import { powerOfTwo } from './integral.ts';
import { unpack } from './round.ts';

/**
 * binary16 (Zfh, Zfhmin) by way of binary64. It holds every operand, sum and product exactly; quotients and roots that
 * are no number of 12 bits are further from all of these than its last place, so that rounding twice is rounding once,
 * in every mode, and inexactness shows. That is not so for multiply-add, whose sum is rounded to odd first.
 */

/** Conversions to and from the other formats. */
export interface HalfResizeFunctions {
  /** (a, rm, flags) */
  readonly halfFromSingle: FunctionRef<'i32'>;
  readonly halfFromDouble: FunctionRef<'i32'>;
  /** (a, flags): exact. */
  readonly halfToSingle: FunctionRef<'i32'>;
  readonly halfToDouble: FunctionRef<'i64'>;
}

/** The building blocks of halves. */
interface HalfParts {
  readonly module: FunctionHome;
  /** Rounds to binary16. */
  readonly round: FunctionRef<'i32'>;
  readonly f64: FormatFunctions<'i64'>;
  readonly resize: ResizeFunctions;
}

const ZERO = f64.reinterpret_i64(i64.const(0));
const INFINITY_64 = f64.reinterpret_i64(i64.const(BINARY64.infinity));
const SIGN = 0x8000;
const INFINITY = Number(BINARY16.infinity);

/** (a: i32): the same number as binary64, exactly; NaNs stay signalling or quiet. */
function defineExtend(module: FunctionHome): FunctionRef<'i64'> {
  return module.function('f16.extend', ['i32'], 'i64', (f) => {
    const bits = f.param(0, 'i32');
    const sign = f.let(i64.shl(i64.extend_i32_u(i32.and(bits, i32.const(SIGN))), i64.const(48)));
    const size = f.let(i32.and(bits, i32.const(SIGN - 1)));
    f.if(i32.lt_u(size, i32.const(1 << BINARY16.fractionBits)), () => {
      const value = f64.mul(f64.convert_i32_u(size), powerOfTwo(1 - BINARY16.bias - BINARY16.fractionBits));
      f.return(i64.or(sign, i64.reinterpret_f64(value)));
    });
    const moved = f.let(
      i64.shl(i64.extend_i32_u(size), i64.const(BINARY64.fractionBits - BINARY16.fractionBits)),
    );
    f.if(i32.ge_u(size, i32.const(INFINITY)), () =>
      f.return(i64.or(sign, i64.or(moved, i64.const(BINARY64.infinity)))),
    );
    const rebias = BigInt(BINARY64.bias - BINARY16.bias) << BigInt(BINARY64.fractionBits);
    f.return(i64.or(sign, i64.add(moved, i64.const(rebias))));
  });
}

/** (a: i64, rm, flags): a binary64 number, rounded. */
function defineNarrow(module: FunctionHome, round: FunctionRef<'i32'>): FunctionRef<'i32'> {
  return module.function('f16.narrow', ['i64', 'i32', 'i32'], 'i32', (f) => {
    const [raw, rm, flags] = [f.param(0, 'i64'), f.param(1, 'i32'), f.param(2, 'i32')];
    const sign = f.let(i32.and(i32.wrap_i64(i64.shr_u(raw, i64.const(48))), i32.const(SIGN)));
    f.if(isSpecial(BINARY64, raw), () => {
      f.if(isNan(BINARY64, raw), () => {
        f.if(isSignallingNan(BINARY64, raw), () => raise(f, flags, FLAG.invalid));
        f.return(i32.const(Number(BINARY16.canonicalNan)));
      });
      f.return(i32.or(sign, i32.const(INFINITY)));
    });
    f.if(isZero(BINARY64, raw), () => f.return(sign));
    const { sign: negative, exponent, significand } = unpack(f, BINARY64, raw);
    f.return(call(round, negative, exponent, significand, rm, flags));
  });
}

/**
 * A sum of two binary64 numbers, not zero, rounded to odd: where it is inexact, its last place is odd, so that rounding
 * it again to fewer places by two is right in every mode. The error of the sum is exact ("TwoSum", Knuth).
 */
function sumToOdd(f: FunctionBuilder, a: Expr<'f64'>, b: Expr<'f64'>): I64 {
  const x = f.let(a);
  const y = f.let(b);
  const sum = f.let(f64.add(x, y));
  const part = f.let(f64.sub(sum, x));
  const error = f.let(f64.add(f64.sub(x, f64.sub(sum, part)), f64.sub(y, part)));
  const bits = f.let(i64.reinterpret_f64(sum));
  const isEven = i64.eqz(i64.and(bits, i64.const(1)));
  f.if(i32.and(f64.ne(error, ZERO), isEven), () => {
    // Away from zero if the rest has the sign of the sum, else toward zero.
    const differs = i64.lt_s(i64.xor(bits, i64.reinterpret_f64(error)), i64.const(0));
    f.set(bits, i64.add(bits, select(differs, i64.const(-1), i64.const(1))));
  });
  return bits;
}

/** Parameters of a function: operands as binary64, then rm and flags as far as there are. */
type Build = (f: FunctionBuilder, operands: readonly I64[], rm: I32, flags: I32) => void;

/** Defines the functions of halves. */
export function defineHalf({ module, round, f64: wide, resize }: HalfParts): HalfResizeFunctions & {
  readonly f16: FormatFunctions<'i32'>;
} {
  const extend = defineExtend(module);
  const narrow = defineNarrow(module, round);
  const half = (f: FunctionBuilder, index: number): I64 => call(extend, f.param(index, 'i32'));
  const operation = (name: string, count: number, build: Build): FunctionRef<'i32'> =>
    module.function(`f16.${name}`, new Array<'i32'>(count + 2).fill('i32'), 'i32', (f) => {
      const operands = Array.from({ length: count }, (_, index) => half(f, index));
      build(f, operands, f.param(count, 'i32'), f.param(count + 1, 'i32'));
    });
  const rounded = (name: keyof FormatFunctions<'i64'>, count: number) =>
    operation(name, count, (f, operands, rm, flags) =>
      f.return(call(narrow, call(wideOf(name), ...operands, rm, flags), rm, flags)),
    );
  const wideOf = (name: keyof FormatFunctions<'i64'>) => wide[name] as FunctionRef<'i64'>;
  /** Nothing is rounded. */
  const chosen = (name: 'min' | 'max' | 'minm' | 'maxm') =>
    module.function(`f16.${name}`, ['i32', 'i32', 'i32'], 'i32', (f) => {
      const flags = f.param(2, 'i32');
      f.return(call(narrow, call(wide[name], half(f, 0), half(f, 1), flags), i32.const(0), flags));
    });
  const relation = (name: 'eq' | 'lt' | 'le' | 'ltq' | 'leq') =>
    module.function(`f16.${name}`, ['i32', 'i32', 'i32'], 'i32', (f) =>
      f.return(call(wide[name], half(f, 0), half(f, 1), f.param(2, 'i32'))),
    );
  const fma = operation('fma', 3, multiplyAdd(wide.fma, narrow));
  const comparisons: CompareFunctions<'i32'> = {
    min: chosen('min'),
    max: chosen('max'),
    eq: relation('eq'),
    lt: relation('lt'),
    le: relation('le'),
    classify: defineClassify(module, BINARY16),
  };
  return {
    f16: {
      ...{ add: rounded('add', 2), sub: rounded('sub', 2), mul: rounded('mul', 2), div: rounded('div', 2) },
      ...{ sqrt: rounded('sqrt', 1), fma, ...comparisons },
      ...defineIntegers(module, wide, { extend, narrow }),
      ...{ round: rounded('round', 1), roundInexact: rounded('roundInexact', 1) },
      ...{ minm: chosen('minm'), maxm: chosen('maxm'), ltq: relation('ltq'), leq: relation('leq') },
    },
    ...defineConversions(module, resize, { extend, narrow }),
  };
}

/** Integers to halves and back. */
function defineIntegers(module: FunctionHome, wide: FormatFunctions<'i64'>, { extend, narrow }: Extensions) {
  const toInteger = (name: 'toI32' | 'toU32' | 'toI64' | 'toU64') =>
    module.function(`f16.${name}`, ['i32', 'i32', 'i32'], 'i64', (f) =>
      f.return(call(wide[name], call(extend, f.param(0, 'i32')), f.param(1, 'i32'), f.param(2, 'i32'))),
    );
  // Integers that binary64 does not hold are beyond the largest half.
  const fromInteger = (name: 'fromI32' | 'fromU32' | 'fromI64' | 'fromU64') =>
    module.function(`f16.${name}`, ['i64', 'i32', 'i32'], 'i32', (f) => {
      const [rm, flags] = [f.param(1, 'i32'), f.param(2, 'i32')];
      f.return(call(narrow, call(wide[name], f.param(0, 'i64'), rm, flags), rm, flags));
    });
  return {
    ...{ toI32: toInteger('toI32'), toU32: toInteger('toU32') },
    ...{ toI64: toInteger('toI64'), toU64: toInteger('toU64') },
    ...{ fromI32: fromInteger('fromI32'), fromU32: fromInteger('fromU32') },
    ...{ fromI64: fromInteger('fromI64'), fromU64: fromInteger('fromU64') },
  };
}

/** Multiply-add: the exact product and the addend, rounded to odd in binary64 where they are ordinary numbers. */
function multiplyAdd(wide: FunctionRef<'i64'>, narrow: FunctionRef<'i32'>): Build {
  return (f, [a, b, c], rm, flags) => {
    const [x, y, z] = [f.let(a), f.let(b), f.let(c)];
    const product = f.let(f64.mul(f64.reinterpret_i64(x), f64.reinterpret_i64(y)));
    const addend = f.let(f64.reinterpret_i64(z));
    const sum = f.let(f64.abs(f64.add(product, addend)));
    f.if(i32.and(f64.gt(sum, ZERO), f64.lt(sum, INFINITY_64)), () =>
      f.return(call(narrow, sumToOdd(f, product, addend), rm, flags)),
    );
    f.return(call(narrow, call(wide, x, y, z, rm, flags), rm, flags));
  };
}

/** The functions that take halves to binary64 and back. */
interface Extensions {
  readonly extend: FunctionRef<'i64'>;
  readonly narrow: FunctionRef<'i32'>;
}

function defineConversions(
  module: FunctionHome,
  resize: ResizeFunctions,
  { extend, narrow }: Extensions,
): HalfResizeFunctions {
  return {
    halfFromSingle: module.function('halfFromSingle', ['i32', 'i32', 'i32'], 'i32', (f) => {
      const [rm, flags] = [f.param(1, 'i32'), f.param(2, 'i32')];
      f.return(call(narrow, call(resize.widen, f.param(0, 'i32'), flags), rm, flags));
    }),
    halfFromDouble: narrow,
    halfToSingle: module.function('halfToSingle', ['i32', 'i32'], 'i32', (f) =>
      f.return(call(resize.narrow, call(extend, f.param(0, 'i32')), i32.const(0), f.param(1, 'i32'))),
    ),
    halfToDouble: module.function('halfToDouble', ['i32', 'i32'], 'i64', (f) => {
      const raw = f.let(call(extend, f.param(0, 'i32')));
      f.if(isNan(BINARY64, raw), () => {
        f.if(isSignallingNan(BINARY64, raw), () => raise(f, f.param(1, 'i32'), FLAG.invalid));
        f.return(i64.const(BINARY64.canonicalNan));
      });
      f.return(raw);
    }),
  };
}

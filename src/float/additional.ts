import type { FunctionRef } from '../wasm/expression.ts';
import { call, f64, type I32, i32, i64, select } from '../wasm/operations.ts';
import { anySignalling, type CompareFunctions } from './compare.ts';
import type { ResizeFunctions } from './convert.ts';
import { FLAG, raise } from './flags.ts';
import { BINARY64, type Bits, type Format, isSignallingNan, type Native } from './format.ts';
import type { FunctionHome } from './function-home.ts';
import { powerOfTwo, roundToIntegral } from './integral.ts';

/** The functions that Zfa adds to a format. All functions end with the parameter `flags: i32`. */
export interface AdditionalFunctions<B extends Bits> {
  /** (a, rm, flags): to an integral number, which raises nothing unless `a` is a signalling NaN. */
  readonly round: FunctionRef<B>;
  /** The same, and a number that was none is inexact. */
  readonly roundInexact: FunctionRef<B>;
  /** minimum and maximum of IEEE 754-2019: of a NaN they are NaN. */
  readonly minm: FunctionRef<B>;
  readonly maxm: FunctionRef<B>;
  /** Comparisons for which only a signalling NaN is invalid. */
  readonly ltq: FunctionRef<'i32'>;
  readonly leq: FunctionRef<'i32'>;
}

/** Minima, maxima and comparisons of a format. */
export function defineQuiet<B extends Bits, F extends Native>(
  module: FunctionHome,
  format: Format<B, F>,
  { min, max }: CompareFunctions<B>,
): Pick<AdditionalFunctions<B>, 'minm' | 'maxm' | 'ltq' | 'leq'> {
  const { name, bits, native, integer, canonicalNan } = format;
  const extremum = (which: FunctionRef<B>) =>
    module.function(`${which.name}m`, [bits, bits, 'i32'], bits, (f) => {
      const [a, b, flags] = [f.param(0, bits), f.param(1, bits), f.param(2, 'i32')];
      const x = f.let(format.toFloat(a));
      const y = f.let(format.toFloat(b));
      f.if(i32.or(native.ne(x, x), native.ne(y, y)), () => {
        f.if(anySignalling(f, format, a, b), () => raise(f, flags, FLAG.invalid));
        f.return(integer.const(canonicalNan));
      });
      f.return(call(which, a, b, flags));
    });
  const relation = (which: 'lt' | 'le', as: string) =>
    module.function(`${name}.${as}`, [bits, bits, 'i32'], 'i32', (f) => {
      const [a, b, flags] = [f.param(0, bits), f.param(1, bits), f.param(2, 'i32')];
      f.if(anySignalling(f, format, a, b), () => raise(f, flags, FLAG.invalid));
      f.return(native[which](format.toFloat(a), format.toFloat(b)));
    });
  return { minm: extremum(min), maxm: extremum(max), ltq: relation('lt', 'ltq'), leq: relation('le', 'leq') };
}

type Rounding = Pick<AdditionalFunctions<'i64'>, 'round' | 'roundInexact'>;

/** Rounding of binary64 to integral numbers. */
export function defineRound64(module: FunctionHome): Rounding {
  const define = (name: string, raises: boolean) =>
    module.function(`f64.${name}`, ['i64', 'i32', 'i32'], 'i64', (f) => {
      const [raw, rm, flags] = [f.param(0, 'i64'), f.param(1, 'i32'), f.param(2, 'i32')];
      const value = f.let(f64.reinterpret_i64(raw));
      f.if(f64.ne(value, value), () => {
        f.if(isSignallingNan(BINARY64, raw), () => raise(f, flags, FLAG.invalid));
        f.return(i64.const(BINARY64.canonicalNan));
      });
      const integral = roundToIntegral(f, value, rm);
      if (raises) f.if(f64.ne(integral, value), () => raise(f, flags, FLAG.inexact));
      f.return(i64.reinterpret_f64(integral));
    });
  return { round: define('round', false), roundInexact: define('roundInexact', true) };
}

/** Rounding of binary32, which binary64 holds exactly. */
export function defineRound32(
  module: FunctionHome,
  wide: Rounding,
  { narrow, widen }: ResizeFunctions,
): Pick<AdditionalFunctions<'i32'>, 'round' | 'roundInexact'> {
  const define = (name: keyof Rounding) =>
    module.function(`f32.${name}`, ['i32', 'i32', 'i32'], 'i32', (f) => {
      const [a, rm, flags] = [f.param(0, 'i32'), f.param(1, 'i32'), f.param(2, 'i32')];
      const rounded = call(wide[name], call(widen, a, flags), rm, flags);
      f.return(call(narrow, rounded, i32.const(0), flags));
    });
  return { round: define('round'), roundInexact: define('roundInexact') };
}

/**
 * (a: i64, flags): binary64 toward zero to an integer modulo 2^32, sign-extended (`fcvtmod.w.d`). Flags are those of
 * the conversion that saturates.
 */
export function defineModular(module: FunctionHome): FunctionRef<'i64'> {
  return module.function('toModularWord', ['i64', 'i32'], 'i64', (f) => {
    const [raw, flags] = [f.param(0, 'i64'), f.param(1, 'i32')];
    const value = f.let(f64.reinterpret_i64(raw));
    const integral = f.let(f64.trunc(value));
    const fits: I32 = i32.and(f64.ge(integral, f64.neg(powerOfTwo(31))), f64.lt(integral, powerOfTwo(31)));
    f.if(
      fits,
      () => f.if(f64.ne(integral, value), () => raise(f, flags, FLAG.inexact)),
      () => raise(f, flags, FLAG.invalid),
    );
    f.if(f64.lt(f64.abs(integral), powerOfTwo(63)), () =>
      f.return(i64.extend32_s(i64.trunc_sat_f64_s(integral))),
    );
    // Multiples of 2^11 and more: the significand moved up. From 2^84 on nothing is left of it; nor of infinity and
    // NaN.
    const exponent = i64.sub(i64.and(i64.shr_u(raw, i64.const(52)), i64.const(0x7ff)), i64.const(1023 + 52));
    const up = f.let(exponent);
    const significand = i64.or(i64.and(raw, i64.const((1n << 52n) - 1n)), i64.const(1n << 52n));
    const size = f.let(select(i64.lt_u(up, i64.const(32)), i64.shl(significand, up), i64.const(0)));
    f.if(i64.lt_s(raw, i64.const(0)), () => f.set(size, i64.sub(i64.const(0), size)));
    f.return(i64.extend32_s(size));
  });
}

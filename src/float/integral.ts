import type { Expr, Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { f64, i32, i64 } from '../wasm/operations.ts';
import { ROUND } from './flags.ts';
import { BINARY64 } from './format.ts';

/** 2^exponent as a constant. */
export function powerOfTwo(exponent: number): Expr<'f64'> {
  return f64.reinterpret_i64(i64.const(BigInt(BINARY64.bias + exponent) << 52n));
}

/** The value rounded to an integral one, by the rounding mode; infinities and NaNs stay the same. */
export function roundToIntegral(f: FunctionBuilder, value: Local<'f64'>, rm: Local<'i32'>): Local<'f64'> {
  const result = f.let(f64.nearest(value));
  f.if(rm, () => {
    f.set(result, f64.trunc(value));
    f.if(i32.eq(rm, i32.const(ROUND.down)), () => f.set(result, f64.floor(value)));
    f.if(i32.eq(rm, i32.const(ROUND.up)), () => f.set(result, f64.ceil(value)));
    f.if(i32.eq(rm, i32.const(ROUND.nearestAway)), () => {
      const fraction = f64.abs(f64.sub(value, result));
      f.if(f64.ge(fraction, powerOfTwo(-1)), () => {
        f.set(result, f64.add(result, f64.copysign(powerOfTwo(0), value)));
      });
    });
  });
  return result;
}

import { Binary, type Expr, type Local, Unary } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { type F64, f64, i32, i64 } from '../wasm/operations.ts';
import { ROUND } from './flags.ts';
import { BINARY64 } from './format.ts';

/** Rounding instructions of WebAssembly (core specification 5.4.7), used here alone. */
const rounding =
  (opcode: number) =>
  (operand: F64): F64 =>
    new Unary('f64', opcode, operand);

const ceil = rounding(0x9b);
const floor = rounding(0x9c);
const trunc = rounding(0x9d);
const nearest = rounding(0x9e);
const copysign = (size: F64, sign: F64): F64 => new Binary('f64', 0xa6, size, sign);

/** 2^exponent as a constant. */
export function powerOfTwo(exponent: number): Expr<'f64'> {
  return f64.reinterpret_i64(i64.const(BigInt(BINARY64.bias + exponent) << 52n));
}

/** The value rounded to an integral one, by the rounding mode; infinities and NaNs stay what they are. */
export function roundToIntegral(f: FunctionBuilder, value: Local<'f64'>, rm: Local<'i32'>): Local<'f64'> {
  const result = f.let(nearest(value));
  f.if(rm, () => {
    f.set(result, trunc(value));
    f.if(i32.eq(rm, i32.const(ROUND.down)), () => f.set(result, floor(value)));
    f.if(i32.eq(rm, i32.const(ROUND.up)), () => f.set(result, ceil(value)));
    f.if(i32.eq(rm, i32.const(ROUND.nearestAway)), () => {
      const fraction = f64.abs(f64.sub(value, result));
      f.if(f64.ge(fraction, powerOfTwo(-1)), () => {
        f.set(result, f64.add(result, copysign(powerOfTwo(0), value)));
      });
    });
  });
  return result;
}

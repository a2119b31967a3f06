/** The generated functions as one JavaScript function each, and hard operands for them. */
import fc from 'fast-check';
import { defineFloat, type FloatFunctions, type FormatFunctions } from '../../src/float/float.ts';
import type { Bits } from '../../src/float/format.ts';
import type { Expr, FunctionRef } from '../../src/wasm/expression.ts';
import type { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import { call, i32, i64 } from '../../src/wasm/operations.ts';
import { DOUBLE, type Encoding, HALF, type Result, SINGLE } from './reference.ts';

export type FormatName = 'f16' | 'f32' | 'f64';
export const FORMATS: readonly FormatName[] = ['f16', 'f32', 'f64'];
export const ENCODINGS: Readonly<Record<FormatName, Encoding>> = {
  f16: HALF,
  f32: SINGLE,
  f64: DOUBLE,
};
export const MODES = [0, 1, 2, 3, 4] as const;

export type FunctionName =
  | `${FormatName}.${keyof FormatFunctions<Bits>}`
  | Exclude<keyof FloatFunctions, FormatName>;

const FLAGS_ADDRESS = 64;

/** Operations with a rounding mode; the others, but `classify`, have flags alone. */
const ROUNDED = /add|sub|mul|div|sqrt|fma|to[IU]|from|From|narrow|round/;

function exportWrapper(module: ModuleBuilder, name: string, callee: FunctionRef<Bits>): void {
  const extra = name.endsWith('classify') ? 0 : ROUNDED.test(name) ? 2 : 1;
  const count = callee.params.length - extra;
  const define = (f: FunctionBuilder) => {
    const args: Expr[] = Array.from({ length: count }, (_, index) => {
      const wide = f.param(index, 'i64');
      return callee.params[index] === 'i32' ? i32.wrap_i64(wide) : wide;
    });
    if (extra === 2) args.push(f.param(3, 'i32'));
    if (extra > 0) args.push(i32.const(FLAGS_ADDRESS));
    // An i32 result is the bits of a binary32 number, or a truth value.
    if (callee.result === 'i64') f.return(call(callee, ...args));
    else f.return(i64.extend_i32_u(call({ ...callee, result: 'i32' }, ...args)));
  };
  module.function(`test.${name}`, ['i64', 'i64', 'i64', 'i32'], 'i64', define, true);
}

/** Runs a function on raw bits with `flags` set before; the result holds the flags after it. */
export type Run = (name: FunctionName, operands: readonly bigint[], rm: number, flags: number) => Result;

export function instantiate(): Run {
  const module = new ModuleBuilder({ minimum: 1, maximum: 1 });
  const { f16, f32, f64, ...others } = defineFloat(module);
  const functions = { f16, f32, f64 };
  for (const format of FORMATS) {
    for (const [name, callee] of Object.entries(functions[format])) {
      exportWrapper(module, `${format}.${name}`, callee);
    }
  }
  for (const [name, callee] of Object.entries(others)) exportWrapper(module, name, callee);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const compiled = new WebAssembly.Module(module.toBytes());
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const word = new Int32Array(memory.buffer, FLAGS_ADDRESS, 1);
  return (name, [a, b = 0n, c = 0n], rm, flags) => {
    const run = exports[`test.${name}`] as (a: bigint, b: bigint, c: bigint, rm: number) => bigint;
    word[0] = flags;
    const bits = run(a, b, c, rm);
    return { bits: BigInt.asUintN(64, bits), flags: word[0] };
  };
}

/** Bits from sign, exponent field and fraction. */
function compose(
  { exponentBits, fractionBits }: Encoding,
  sign: number,
  field: number,
  fraction: bigint,
): bigint {
  const head = (BigInt(sign) << BigInt(exponentBits)) | BigInt(field);
  return (head << BigInt(fractionBits)) | BigInt.asUintN(fractionBits, fraction);
}

/** Zeros, infinities, NaNs, and the numbers beside every boundary of a format. */
export function specials(encoding: Encoding): readonly bigint[] {
  const { exponentBits, fractionBits } = encoding;
  const last = 2 ** exponentBits - 1;
  const one = last >> 1;
  const quiet = 1n << BigInt(fractionBits - 1);
  const positive: [field: number, fraction: bigint][] = [
    [0, 0n],
    [0, 1n],
    [0, -1n],
    [1, 0n],
    [1, 1n],
    [one - 1, -1n],
    [one, 0n],
    [one, 1n],
    [one + 1, quiet],
    [one + fractionBits, 1n],
    [last - 1, -1n],
    [last, 0n],
    [last, 1n],
    [last, quiet],
  ];
  return positive.flatMap(([field, fraction]) =>
    [0, 1].map((sign) => compose(encoding, sign, field, fraction)),
  );
}

/** Any datum, most often a number near a boundary of the exponent with few or many bits set at one end. */
export function datum(encoding: Encoding): fc.Arbitrary<bigint> {
  const { exponentBits, fractionBits } = encoding;
  const last = 2 ** exponentBits - 1;
  const one = last >> 1;
  const near = (center: number, reach: number) =>
    fc.integer({ min: Math.max(0, center - reach), max: Math.min(last, center + reach) });
  const field = fc.oneof(
    near(one, 4),
    near(one, fractionBits + 12),
    near(0, 3),
    near(last - 1, 3),
    near(one >> 1, 4),
    near(one + (one >> 1), 4),
    fc.integer({ min: 0, max: last }),
  );
  const shift = fc.integer({ min: 0, max: fractionBits });
  const small = fc.bigInt({ min: -3n, max: 3n });
  const fraction = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << BigInt(fractionBits)) - 1n }),
    fc.tuple(small, shift).map(([value, by]) => value << BigInt(by)),
    fc.tuple(small, shift).map(([value, by]) => (1n << BigInt(by)) + value),
  );
  const composed = fc
    .tuple(fc.integer({ min: 0, max: 1 }), field, fraction)
    .map(([sign, exponent, bits]) => compose(encoding, sign, exponent, bits));
  return fc.oneof(
    { arbitrary: composed, weight: 9 },
    { arbitrary: fc.constantFrom(...specials(encoding)), weight: 1 },
  );
}

/** A datum that is `bits`, or is a few units in the last place and some exponents away from it, of either sign. */
export function neighbour(encoding: Encoding, bits: bigint): fc.Arbitrary<bigint> {
  const { exponentBits, fractionBits } = encoding;
  return fc
    .tuple(
      fc.bigInt({ min: -3n, max: 3n }),
      fc.oneof(
        fc.constant(0n),
        fc.bigInt({ min: -BigInt(fractionBits) - 3n, max: BigInt(fractionBits) + 3n }),
      ),
      fc.bigInt({ min: 0n, max: 1n }),
    )
    .map(([units, exponents, flip]) => {
      const moved = bits + units + (exponents << BigInt(fractionBits));
      return BigInt.asUintN(
        exponentBits + fractionBits + 1,
        moved ^ (flip << BigInt(exponentBits + fractionBits)),
      );
    });
}

/** Hard integers of 64 bits, as raw bits: of any length, and beside the ties of both formats. */
export function integer(): fc.Arbitrary<bigint> {
  const shift = fc.bigInt({ min: 0n, max: 63n });
  const power = shift.map((by) => 1n << by);
  const sums = fc.tuple(power, power, fc.bigInt({ min: -2n, max: 2n })).map(([a, b, c]) => a + b + c);
  const any = fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), shift)
    .map(([value, by]) => value >> by);
  return fc
    .tuple(fc.oneof(sums, any), fc.boolean())
    .map(([value, negate]) => BigInt.asUintN(64, negate ? -value : value));
}

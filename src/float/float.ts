import type { FunctionRef } from '../wasm/expression.ts';
import { defineModular, defineQuiet, defineRound32, defineRound64 } from './additional.ts';
import { defineArithmetic32, defineArithmetic64 } from './arithmetic.ts';
import { defineCompare } from './compare.ts';
import { defineConvert32, defineConvert64, defineResize, type ResizeFunctions } from './convert.ts';
import { BINARY16, BINARY32, BINARY64 } from './format.ts';
import type { FormatFunctions } from './format-functions.ts';
import { declarations, type FunctionHome } from './function-home.ts';
import { defineHalf, type HalfResizeFunctions } from './half.ts';
import { defineIntegerHelpers, defineRound } from './round.ts';

export type { FormatFunctions };

/**
 * Exact binary16, binary32 and binary64 arithmetic, as functions of the module under construction.
 *
 * Operands and results are raw bits, a binary16 or binary32 number as i32, a binary64 number as i64; NaN boxing is the
 * caller's. `rm` is a resolved and valid rounding mode (`ROUND`): 0 nearest even, 1 toward zero, 2 down, 3 up, 4
 * nearest away. `flags` is the address of a 32-bit word into which the accrued exceptions (`FLAG`) are ORed; the word
 * is private to the hart, so plain accesses will do. Every NaN that is computed is the canonical one. Tininess is
 * detected after rounding. Source: RISC-V unprivileged specification, "F" and "D" extensions version 2.2, and IEEE
 * 754-2008.
 */
export interface FloatFunctions extends ResizeFunctions, HalfResizeFunctions {
  readonly f16: FormatFunctions<'i32'>;
  readonly f32: FormatFunctions<'i32'>;
  readonly f64: FormatFunctions<'i64'>;
  /** (a: i64, flags): see {@link defineModular}. */
  readonly toModularWord: FunctionRef<'i64'>;
}

/** Defines the functions; call it once per module, after the imports. */
export function defineFloat(module: FunctionHome): FloatFunctions {
  const helpers = defineIntegerHelpers(module);
  const single = { module, format: BINARY32, helpers, round: defineRound(module, BINARY32, helpers) };
  const double = { module, format: BINARY64, helpers, round: defineRound(module, BINARY64, helpers) };
  const convert64 = defineConvert64(double);
  const resize = defineResize(module, single.round);
  const compare32 = defineCompare(module, BINARY32);
  const compare64 = defineCompare(module, BINARY64);
  const round64 = defineRound64(module);
  const f32: FormatFunctions<'i32'> = {
    ...defineArithmetic32(single),
    ...compare32,
    ...defineConvert32(single, convert64),
    ...defineRound32(module, round64, resize),
    ...defineQuiet(module, BINARY32, compare32),
  };
  const f64: FormatFunctions<'i64'> = {
    ...defineArithmetic64(double),
    ...compare64,
    ...convert64,
    ...round64,
    ...defineQuiet(module, BINARY64, compare64),
  };
  const round16 = defineRound(module, BINARY16, helpers);
  const half = defineHalf({ module, round: round16, f64, resize });
  return { f32, f64, ...half, ...resize, toModularWord: defineModular(module) };
}

/**
 * Declares the functions for modules that import them: names, types, and the numbers that they have in a module of
 * nothing else. To define them as well takes as long as to load the modules of a hart.
 */
export function declareFloat(): FloatFunctions {
  return defineFloat(declarations());
}

/** All of them in a row. */
export function floatFunctions({ f16, f32, f64, ...others }: FloatFunctions): FunctionRef[] {
  return Object.values<FunctionRef>({ ...others }).concat(
    Object.values({ ...f16 }),
    Object.values({ ...f32 }),
    Object.values({ ...f64 }),
  );
}

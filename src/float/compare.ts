import type { FunctionRef, Local } from '../wasm/expression.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { type I32, i32, i64, select } from '../wasm/operations.ts';
import { FLAG, raise } from './flags.ts';
import {
  type Bits,
  type Format,
  isNan,
  isSignallingNan,
  magnitude,
  type Native,
  type RawFormat,
  signOf,
} from './format.ts';
import type { FunctionHome } from './function-home.ts';

/** Comparisons and selections: nothing is rounded. All but `classify` end with the parameter `flags: i32`. */
export interface CompareFunctions<B extends Bits> {
  /** minimumNumber and maximumNumber of IEEE 754-2019, as RISC-V's F extension 2.2 has them: -0 < +0. */
  readonly min: FunctionRef<B>;
  readonly max: FunctionRef<B>;
  /** (a, b, flags): i32 0 or 1; quiet, only a signalling NaN is invalid. */
  readonly eq: FunctionRef<'i32'>;
  /** Signalling: any NaN is invalid. */
  readonly lt: FunctionRef<'i32'>;
  readonly le: FunctionRef<'i32'>;
  /** (a): the mask of ten bits of FCLASS, of which one is set. */
  readonly classify: FunctionRef<'i32'>;
}

type Relation = 'eq' | 'lt' | 'le';

/** Whether either operand is a signalling NaN. */
export function anySignalling<B extends Bits>(
  f: FunctionBuilder,
  format: RawFormat<B>,
  a: Local<B>,
  b: Local<B>,
): I32 {
  const rawA = f.let(format.widen(a));
  const rawB = f.let(format.widen(b));
  return i32.or(isSignallingNan(format, rawA), isSignallingNan(format, rawB));
}

function defineRelation<B extends Bits, F extends Native>(
  module: FunctionHome,
  format: Format<B, F>,
  relation: Relation,
): FunctionRef<'i32'> {
  const { name, bits, native } = format;
  return module.function(`${name}.${relation}`, [bits, bits, 'i32'], 'i32', (f) => {
    const [a, b, flags] = [f.param(0, bits), f.param(1, bits), f.param(2, 'i32')];
    const x = f.let(format.toFloat(a));
    const y = f.let(format.toFloat(b));
    f.if(i32.or(native.ne(x, x), native.ne(y, y)), () => {
      const invalid = relation === 'eq' ? anySignalling(f, format, a, b) : i32.const(1);
      f.if(invalid, () => raise(f, flags, FLAG.invalid));
    });
    f.return(native[relation](x, y));
  });
}

function defineExtremum<B extends Bits, F extends Native>(
  module: FunctionHome,
  format: Format<B, F>,
  which: 'min' | 'max',
): FunctionRef<B> {
  const { name, bits, native, integer, canonicalNan } = format;
  return module.function(`${name}.${which}`, [bits, bits, 'i32'], bits, (f) => {
    const [a, b, flags] = [f.param(0, bits), f.param(1, bits), f.param(2, 'i32')];
    const x = f.let(format.toFloat(a));
    const y = f.let(format.toFloat(b));
    const [first, second] = which === 'min' ? [a, b] : [b, a];
    const less = f.let(native.lt(x, y));
    f.if(i32.or(less, native.lt(y, x)), () => f.return(select(less, first, second)));
    // Equal numbers have equal bits unless they are zeros: a zero is negative if any sign is set, or if both are.
    f.if(native.eq(x, y), () => f.return(which === 'min' ? integer.or(a, b) : integer.and(a, b)));
    f.if(anySignalling(f, format, a, b), () => raise(f, flags, FLAG.invalid));
    f.if(native.eq(x, x), () => f.return(a));
    f.if(native.eq(y, y), () => f.return(b));
    f.return(integer.const(canonicalNan));
  });
}

/** Bit numbers of FCLASS for positive numbers; those of negative ones mirror them, 7 - n. */
const CLASS = { zero: 4, subnormal: 5, normal: 6, infinite: 7, signallingNan: 8, quietNan: 9 } as const;

export function defineClassify<B extends Bits>(
  module: FunctionHome,
  format: RawFormat<B>,
): FunctionRef<'i32'> {
  const { name, bits, infinity, fractionBits } = format;
  return module.function(`${name}.classify`, [bits], 'i32', (f) => {
    const raw = f.let(format.widen(f.param(0, bits)));
    const size = f.let(magnitude(format, raw));
    f.if(isNan(format, raw), () => {
      const signalling = isSignallingNan(format, raw);
      f.return(select(signalling, i32.const(1 << CLASS.signallingNan), i32.const(1 << CLASS.quietNan)));
    });
    const atLeast = (bound: bigint) => i64.ge_u(size, i64.const(bound));
    // Each bound that is reached is the next class.
    const beyondZero = i32.add(atLeast(1n), i32.add(atLeast(1n << BigInt(fractionBits)), atLeast(infinity)));
    const positive = f.let(i32.add(i32.const(CLASS.zero), beyondZero));
    const bit = select(signOf(format, raw), i32.sub(i32.const(7), positive), positive);
    f.return(i32.shl(i32.const(1), bit));
  });
}

export function defineCompare<B extends Bits, F extends Native>(
  module: FunctionHome,
  format: Format<B, F>,
): CompareFunctions<B> {
  return {
    min: defineExtremum(module, format, 'min'),
    max: defineExtremum(module, format, 'max'),
    eq: defineRelation(module, format, 'eq'),
    lt: defineRelation(module, format, 'lt'),
    le: defineRelation(module, format, 'le'),
    classify: defineClassify(module, format),
  };
}

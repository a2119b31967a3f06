import type { FloatFunctions, FormatFunctions } from '../float/float.ts';
import type {
  FloatArithmetic,
  FloatBits,
  FloatExtremum,
  FloatFormat,
  FloatRelation,
  FloatSemantics,
  FloatSource,
  IntegerFormat,
} from '../isa/index.ts';
import {
  call,
  type Expr,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i64,
  select,
} from '../wasm/index.ts';

const CANONICAL_NAN = 0x7fc0_0000;
const CANONICAL_HALF_NAN = 0x7e00;
const BOXED = 0xffff_ffff_0000_0000n;
const BOXED_HALF = 0xffff_ffff_ffff_0000n;

const TO_INTEGER = { w: 'toI32', wu: 'toU32', l: 'toI64', lu: 'toU64' } as const;
const FROM_INTEGER = { w: 'fromI32', wu: 'fromU32', l: 'fromI64', lu: 'fromU64' } as const;

/** Where the functions of each format are. */
const FUNCTIONS = { h: 'f16', s: 'f32', d: 'f64' } as const satisfies Record<
  FloatFormat,
  keyof FloatFunctions
>;

/** Functions of either format, without their types: which format it is shows in the operands. */
type AnyFunctions = FormatFunctions<'i32'> | FormatFunctions<'i64'>;

/** Where a back end keeps the operands of floating-point instructions. */
export interface FloatFrame {
  readonly f: FunctionBuilder;
  readonly functions: FloatFunctions;
  /** Address of the word of accrued exceptions. */
  readonly flags: I32;
  /** All 64 bits of an operand. */
  readonly operands: Readonly<Record<'rs1' | 'rs2' | 'rs3', I64>>;
  write(bits: I64): void;
  /** Floating-point state has been written. */
  markDirty(): void;
  /** The rounding mode of the instruction, valid. Illegal ones do not get past this. */
  roundingMode(): I32;
}

/** Floating point of the back ends: arithmetic by the functions of float/. */
export class FloatCode implements FloatSemantics {
  readonly #frame: FloatFrame;
  readonly rs1: FloatSource;
  readonly rs2: FloatSource;
  readonly rs3: FloatSource;

  constructor(frame: FloatFrame) {
    this.#frame = frame;
    this.rs1 = source(frame.operands.rs1);
    this.rs2 = source(frame.operands.rs2);
    this.rs3 = source(frame.operands.rs3);
  }

  readonly rd = {
    setH: (bits: I32): void => this.rd.setD(i64.or(i64.extend_i32_u(bits), i64.const(BOXED_HALF))),
    setS: (bits: I32): void => this.rd.setD(i64.or(i64.extend_i32_u(bits), i64.const(BOXED))),
    setD: (bits: I64): void => {
      this.#frame.write(bits);
      this.#frame.markDirty();
    },
  };

  arithmetic<F extends FloatFormat>(
    operation: FloatArithmetic,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F] {
    return this.#result(format, (functions) => call(functions[operation], a, b, this.#rm(), this.#flags));
  }

  sqrt<F extends FloatFormat>(format: F, a: FloatBits[F]): FloatBits[F] {
    return this.#result(format, ({ sqrt }) => call(sqrt, a, this.#rm(), this.#flags));
  }

  fma<F extends FloatFormat>(format: F, a: FloatBits[F], b: FloatBits[F], c: FloatBits[F]): FloatBits[F] {
    return this.#result(format, ({ fma }) => call(fma, a, b, c, this.#rm(), this.#flags));
  }

  minmax<F extends FloatFormat>(
    which: FloatExtremum,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F] {
    return this.#result(format, (functions) => call(functions[which], a, b, this.#flags));
  }

  compare<F extends FloatFormat>(which: FloatRelation, format: F, a: FloatBits[F], b: FloatBits[F]): I32 {
    this.#frame.markDirty();
    return call(this.#functions(format)[which], a, b, this.#flags);
  }

  classify<F extends FloatFormat>(format: F, a: FloatBits[F]): I32 {
    return call(this.#functions(format).classify, a);
  }

  toInteger<F extends FloatFormat>(to: IntegerFormat, format: F, a: FloatBits[F]): I64 {
    this.#frame.markDirty();
    return call(this.#functions(format)[TO_INTEGER[to]], a, this.#rm(), this.#flags);
  }

  fromInteger<F extends FloatFormat>(from: IntegerFormat, format: F, a: I64): FloatBits[F] {
    return this.#result(format, (functions) =>
      call(functions[FROM_INTEGER[from]], a, this.#rm(), this.#flags),
    );
  }

  round<F extends FloatFormat>(which: 'round' | 'roundInexact', format: F, a: FloatBits[F]): FloatBits[F] {
    return this.#result(format, (functions) => call(functions[which], a, this.#rm(), this.#flags));
  }

  toModularWord(a: I64): I64 {
    this.#frame.markDirty();
    return call(this.#frame.functions.toModularWord, a, this.#flags);
  }

  toHalf<F extends 's' | 'd'>(from: F, a: FloatBits[F]): I32 {
    const { f, functions } = this.#frame;
    const { halfFromSingle, halfFromDouble } = functions;
    return f.let(call(from === 's' ? halfFromSingle : halfFromDouble, a, this.#rm(), this.#flags));
  }

  fromHalf<F extends 's' | 'd'>(to: F, a: I32): FloatBits[F] {
    const { f, functions } = this.#frame;
    // As for `widen`.
    this.#rm();
    const convert: FunctionRef<'i32' | 'i64'> = to === 's' ? functions.halfToSingle : functions.halfToDouble;
    return f.let(call(convert, a, this.#flags)) as Expr as FloatBits[F];
  }

  narrow(a: I64): I32 {
    const { f, functions } = this.#frame;
    return f.let(call(functions.narrow, a, this.#rm(), this.#flags));
  }

  widen(a: I32): I64 {
    const { f, functions } = this.#frame;
    // The result is exact, but a reserved rounding mode is illegal as anywhere ("Floating-Point Control and Status").
    this.#rm();
    return f.let(call(functions.widen, a, this.#flags));
  }

  #functions(format: FloatFormat): AnyFunctions {
    return this.#frame.functions[FUNCTIONS[format]];
  }

  /** Evaluates once: results are used as they are and sign bits are taken from them. */
  #result<F extends FloatFormat>(format: F, make: (functions: AnyFunctions) => Expr): FloatBits[F] {
    return this.#frame.f.let(make(this.#functions(format))) as Expr as FloatBits[F];
  }

  get #flags(): I32 {
    return this.#frame.flags;
  }

  #rm(): I32 {
    return this.#frame.roundingMode();
  }
}

function source(raw: I64): FloatSource {
  const isBoxed = (mask: bigint): I32 => i64.eq(i64.and(raw, i64.const(mask)), i64.const(mask));
  const half = i32.and(i32.wrap_i64(raw), i32.const(0xffff));
  return {
    ...{ raw, d: raw },
    s: select(isBoxed(BOXED), i32.wrap_i64(raw), i32.const(CANONICAL_NAN)),
    h: select(isBoxed(BOXED_HALF), half, i32.const(CANONICAL_HALF_NAN)),
  };
}

import type { FormatFunctions } from '../../float/float.ts';
import type {
  FloatArithmetic,
  FloatBits,
  FloatFormat,
  FloatSemantics,
  FloatSource,
  IntegerFormat,
} from '../../isa/index.ts';
import { call, type Expr, type I32, type I64, i32, i64, select } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import type { Frame } from './frame.ts';
import { SLOT } from './slots.ts';

const CANONICAL_NAN = 0x7fc0_0000;
const BOXED = 0xffff_ffff_0000_0000n;
/** Value of the rm field that selects fcsr.frm. */
const DYNAMIC = 7;
/** The last valid rounding mode, RMM. */
const LAST_ROUNDING_MODE = 4;

const TO_INTEGER = { w: 'toI32', wu: 'toU32', l: 'toI64', lu: 'toU64' } as const;
const FROM_INTEGER = { w: 'fromI32', wu: 'fromU32', l: 'fromI64', lu: 'fromU64' } as const;

/** Functions of either format, without their types: which format it is shows in the operands. */
type AnyFunctions = FormatFunctions<'i32'> | FormatFunctions<'i64'>;

/** Floating point of the interpreter: registers in memory, arithmetic by the functions of float/. */
export class FloatCode implements FloatSemantics {
  readonly #frame: Frame;
  readonly rs1: FloatSource;
  readonly rs2: FloatSource;
  readonly rs3: FloatSource;

  /** @param rs2Position where the slot holds rs2 */
  constructor(frame: Frame, rs2Position: number) {
    this.#frame = frame;
    this.rs1 = this.#source(SLOT.b);
    this.rs2 = this.#source(rs2Position);
    this.rs3 = this.#source(SLOT.rs3);
  }

  readonly rd = {
    setS: (bits: I32): void => this.rd.setD(i64.or(i64.extend_i32_u(bits), i64.const(BOXED))),
    setD: (bits: I64): void => {
      const { f, hart, slot } = this.#frame;
      f.store('i64.store', i32.add(hart, i32.load8_u(slot, SLOT.a)), bits, FIELD.f);
      this.#markDirty();
    },
  };

  arithmetic<F extends FloatFormat>(
    operation: FloatArithmetic,
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F] {
    return this.#result(format, (functions) => call(functions[operation], a, b, this.#rm(), this.#flags()));
  }

  sqrt<F extends FloatFormat>(format: F, a: FloatBits[F]): FloatBits[F] {
    return this.#result(format, ({ sqrt }) => call(sqrt, a, this.#rm(), this.#flags()));
  }

  fma<F extends FloatFormat>(format: F, a: FloatBits[F], b: FloatBits[F], c: FloatBits[F]): FloatBits[F] {
    return this.#result(format, ({ fma }) => call(fma, a, b, c, this.#rm(), this.#flags()));
  }

  minmax<F extends FloatFormat>(
    which: 'min' | 'max',
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): FloatBits[F] {
    return this.#result(format, (functions) => call(functions[which], a, b, this.#flags()));
  }

  compare<F extends FloatFormat>(
    which: 'eq' | 'lt' | 'le',
    format: F,
    a: FloatBits[F],
    b: FloatBits[F],
  ): I32 {
    this.#markDirty();
    return call(this.#functions(format)[which], a, b, this.#flags());
  }

  classify<F extends FloatFormat>(format: F, a: FloatBits[F]): I32 {
    return call(this.#functions(format).classify, a);
  }

  toInteger<F extends FloatFormat>(to: IntegerFormat, format: F, a: FloatBits[F]): I64 {
    this.#markDirty();
    return call(this.#functions(format)[TO_INTEGER[to]], a, this.#rm(), this.#flags());
  }

  fromInteger<F extends FloatFormat>(from: IntegerFormat, format: F, a: I64): FloatBits[F] {
    return this.#result(format, (functions) =>
      call(functions[FROM_INTEGER[from]], a, this.#rm(), this.#flags()),
    );
  }

  narrow(a: I64): I32 {
    const { f, float } = this.#frame;
    return f.let(call(float.narrow, a, this.#rm(), this.#flags()));
  }

  widen(a: I32): I64 {
    const { f, float } = this.#frame;
    // The result is exact, but a reserved rounding mode is illegal as anywhere ("Floating-Point Control and Status").
    this.#rm();
    return f.let(call(float.widen, a, this.#flags()));
  }

  #source(position: number): FloatSource {
    const { hart, slot } = this.#frame;
    const raw = i64.load(i32.add(hart, i32.load8_u(slot, position)), FIELD.f);
    const boxed = i64.eq(i64.and(raw, i64.const(BOXED)), i64.const(BOXED));
    return { raw, d: raw, s: select(boxed, i32.wrap_i64(raw), i32.const(CANONICAL_NAN)) };
  }

  #functions(format: FloatFormat): AnyFunctions {
    return format === 's' ? this.#frame.float.f32 : this.#frame.float.f64;
  }

  /** Evaluates once: results are used as they are and sign bits are taken from them. */
  #result<F extends FloatFormat>(format: F, make: (functions: AnyFunctions) => Expr): FloatBits[F] {
    return this.#frame.f.let(make(this.#functions(format))) as Expr as FloatBits[F];
  }

  #flags(): I32 {
    return i32.add(this.#frame.hart, i32.const(FIELD.fflags));
  }

  #markDirty(): void {
    const { f, hart } = this.#frame;
    f.store('i32.store', hart, i32.const(1), FIELD.floatDirty);
  }

  /** The rounding mode of the instruction; an invalid one, fixed or dynamic, makes the instruction illegal. */
  #rm(): I32 {
    const { f, hart, slot, out } = this.#frame;
    const field = f.let(i32.load8_u(slot, SLOT.rm));
    const mode = f.let(select(i32.eq(field, i32.const(DYNAMIC)), i32.load(hart, FIELD.frm), field));
    f.if(i32.gt_u(mode, i32.const(LAST_ROUNDING_MODE)), () => this.#frame.callOut(out.illegal));
    return mode;
  }
}

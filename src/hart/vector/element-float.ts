import { FloatCode } from '../../codegen/index.ts';
import type { FloatFunctions } from '../../float/float.ts';
import type { FloatBits, FloatFormat, FloatScale, FloatUse } from '../../isa/index.ts';
import { type Expr, type I32, type I64, i32, i64, type Local, select } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { FloatEstimates } from './float-estimates.ts';
import type { FloatOfKernel, KernelFrame } from './kernel-frame.ts';

/** Formats by log2 of their bytes. */
const FORMATS = [undefined, 'h', 's', 'd'] as const;
/** The last valid rounding mode, RMM. */
const LAST_ROUNDING_MODE = 4;
const TOWARD_ZERO = 1;
const FLAG = { inexact: 1, invalid: 16 } as const;

/** Floating point of one kernel: the functions of float/ on elements, with flags that accrue in fflags. */
export class KernelFloat implements FloatOfKernel {
  readonly #kernel: KernelFrame;
  readonly #code: FloatCode;
  readonly #toOdd: boolean;
  readonly #estimates: FloatEstimates;
  readonly #before: Local<'i32'>;

  constructor(kernel: KernelFrame, use: FloatUse, functions: FloatFunctions) {
    const { f, hart } = kernel;
    this.#kernel = kernel;
    this.#toOdd = use.rounding === 'toOdd';
    const mode = f.let(i32.load(hart, FIELD.frm));
    // A mode that is reserved makes all of them illegal, also those that do not round.
    f.if(i32.or(i32.load(hart, FIELD.floatOff), i32.gt_u(mode, i32.const(LAST_ROUNDING_MODE))), () =>
      kernel.stop(),
    );
    if (use.rounding !== 'dynamic') f.set(mode, i32.const(TOWARD_ZERO));
    const none = i64.const(0);
    this.#code = new FloatCode({
      ...{ f, functions, flags: i32.add(hart, i32.const(FIELD.fflags)) },
      operands: { rs1: none, rs2: none, rs3: none },
      write: () => undefined,
      markDirty: () => undefined,
      roundingMode: () => mode,
    });
    this.#estimates = new FloatEstimates(f, mode, (flags) => this.#raise(flags));
    this.#before = f.let(this.#flags);
  }

  /** At the end: FS becomes Dirty if a flag is new. */
  finish(): void {
    const { f, hart } = this.#kernel;
    f.if(i32.ne(this.#flags, this.#before), () => f.store('i32.store', hart, i32.const(1), FIELD.floatDirty));
  }

  /** A scalar of SEW bits: the canonical NaN if it is not NaN-boxed. */
  scalar(): I64 {
    const { f, hart } = this.#kernel;
    const place = i32.add(hart, i32.shl(this.#kernel.number('rs1'), i32.const(3)));
    const raw = f.let(i64.load(place, FIELD.f));
    const { width } = this.#at(0);
    if (width === 64) return raw;
    const isBoxed = i64.eq(i64.shr_s(raw, i64.const(width)), i64.const(-1));
    const value = i64.and(raw, i64.const((1n << BigInt(width)) - 1n));
    return select(isBoxed, value, i64.const(width === 32 ? 0x7fc0_0000 : 0x7e00));
  }

  /** Writes f[rd], NaN-boxed. */
  setRegister(value: I64): void {
    const { f, hart } = this.#kernel;
    const { width } = this.#at(0);
    const place = i32.add(hart, i32.shl(this.#kernel.number('rd'), i32.const(3)));
    const boxed = width === 64 ? value : i64.or(value, i64.const(-1n << BigInt(width)));
    f.store('i64.store', place, boxed, FIELD.f);
    f.store('i32.store', hart, i32.const(1), FIELD.floatDirty);
  }

  arithmetic(operation: 'add' | 'sub' | 'mul' | 'div', a: I64, b: I64, scale: FloatScale = 0): I64 {
    const { format } = this.#at(scale);
    return wide(format, this.#code.arithmetic(operation, format, bits(format, a), bits(format, b)));
  }

  fma(a: I64, b: I64, c: I64, scale: FloatScale = 0): I64 {
    const { format } = this.#at(scale);
    return wide(format, this.#code.fma(format, bits(format, a), bits(format, b), bits(format, c)));
  }

  sqrt(a: I64): I64 {
    const { format } = this.#at(0);
    return wide(format, this.#code.sqrt(format, bits(format, a)));
  }

  minmax(which: 'min' | 'max' | 'minm' | 'maxm', a: I64, b: I64): I64 {
    const { format } = this.#at(0);
    return wide(format, this.#code.minmax(which, format, bits(format, a), bits(format, b)));
  }

  compare(which: 'eq' | 'lt' | 'le' | 'ltq' | 'leq', a: I64, b: I64): I64 {
    const { format } = this.#at(0);
    return i64.extend_i32_u(this.#code.compare(which, format, bits(format, a), bits(format, b)));
  }

  classify(a: I64): I64 {
    const { format } = this.#at(0);
    return i64.extend_i32_u(this.#code.classify(format, bits(format, a)));
  }

  negate(a: I64, scale: FloatScale = 0): I64 {
    return i64.xor(a, this.#sign(scale));
  }

  withSign(a: I64, sign: I64): I64 {
    const mask = this.#sign(0);
    return i64.or(i64.and(a, i64.xor(mask, i64.const(-1))), i64.and(sign, mask));
  }

  xorSign(a: I64, sign: I64): I64 {
    return i64.xor(a, i64.and(sign, this.#sign(0)));
  }

  toInteger(a: I64, signed: boolean, from: FloatScale, to: FloatScale): I64 {
    const { format } = this.#at(from);
    const width = 8 << (this.#kernel.setting.sew + to);
    if (width === 64) return this.#code.toInteger(signed ? 'l' : 'lu', format, bits(format, a));
    if (width === 32) return this.#code.toInteger(signed ? 'w' : 'wu', format, bits(format, a));
    return this.#saturated(() => this.#code.toInteger('l', format, bits(format, a)), width, signed);
  }

  /** Cuts a conversion to 64 bits to the limits of fewer: a value beyond these is invalid, and not inexact. */
  #saturated(convert: () => I64, width: number, signed: boolean): I64 {
    const { f, hart } = this.#kernel;
    const before = f.let(this.#flags);
    const value = f.let(convert());
    const least = i64.const(signed ? -(2 ** (width - 1)) : 0);
    const most = i64.const(2 ** (signed ? width - 1 : width) - 1);
    f.if(i32.or(i64.lt_s(value, least), i64.gt_s(value, most)), () => {
      f.store('i32.store', hart, i32.or(before, i32.const(FLAG.invalid)), FIELD.fflags);
      f.set(value, select(i64.lt_s(value, least), least, most));
    });
    return value;
  }

  fromInteger(a: I64, signed: boolean, to: FloatScale): I64 {
    const { format } = this.#at(to);
    return wide(format, this.#code.fromInteger(signed ? 'l' : 'lu', format, a));
  }

  widen(a: I64): I64 {
    if (this.#at(0).format === 's') return this.#code.widen(i32.wrap_i64(a));
    return i64.extend_i32_u(this.#code.fromHalf('s', bits('h', a)));
  }

  narrow(a: I64): I64 {
    const convert = (): I32 =>
      this.#at(0).format === 's' ? this.#code.narrow(a) : this.#code.toHalf('s', i32.wrap_i64(a));
    return i64.extend_i32_u(this.#toOdd ? this.#oddIfInexact(convert) : convert());
  }

  /** Rounding to odd: bits that are cut off make the last place 1 ("jamming"). */
  #oddIfInexact(convert: () => I32): I32 {
    const { f, hart } = this.#kernel;
    const before = f.let(this.#flags);
    f.store('i32.store', hart, i32.const(0), FIELD.fflags);
    const value = f.let(convert());
    const now = f.let(this.#flags);
    f.store('i32.store', hart, i32.or(before, now), FIELD.fflags);
    return f.let(i32.or(value, i32.and(now, i32.const(FLAG.inexact))));
  }

  estimate(what: 'reciprocal' | 'reciprocalRoot', a: I64): I64 {
    return this.#estimates[what](this.#kernel.setting.sew, a);
  }

  get #flags(): I32 {
    return i32.load(this.#kernel.hart, FIELD.fflags);
  }

  #raise(flags: number): void {
    const { f, hart } = this.#kernel;
    f.store('i32.store', hart, i32.or(this.#flags, i32.const(flags)), FIELD.fflags);
  }

  #sign(scale: FloatScale): I64 {
    return i64.const(-1n << BigInt(this.#at(scale).width - 1));
  }

  #at(scale: FloatScale): { format: FloatFormat; width: number } {
    const eew = this.#kernel.setting.sew + scale;
    const format = FORMATS[eew];
    if (format === undefined) throw new Error(`no number has ${8 << eew} bits`);
    return { format, width: 8 << eew };
  }
}

/** The low bits of a value as the operand of a format's functions. */
function bits<F extends FloatFormat>(format: F, value: I64): FloatBits[F] {
  const taken: Record<FloatFormat, () => Expr> = {
    h: () => i32.and(i32.wrap_i64(value), i32.const(0xffff)),
    s: () => i32.wrap_i64(value),
    d: () => value,
  };
  return taken[format]() as FloatBits[F];
}

function wide<F extends FloatFormat>(format: F, value: FloatBits[F]): I64 {
  return format === 'd' ? (value as I64) : i64.extend_i32_u(value as I32);
}

import { BINARY16, BINARY32, BINARY64, type Encoding } from '../../float/format.ts';
import {
  type F64,
  type FunctionBuilder,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  select,
} from '../../wasm/index.ts';

/** Bits of `fflags`, and rounding modes. */
const FLAG = { inexact: 1, overflow: 4, divideByZero: 8, invalid: 16 } as const;
const ROUND = { towardZero: 1, down: 2, up: 3 } as const;

const ENCODINGS: readonly (Encoding | undefined)[] = [undefined, BINARY16, BINARY32, BINARY64];

const number = (value: number): F64 => f64.convert_i32_s(i32.const(value));

/** An operand that is finite and not 0, taken apart: subnormal ones are made normal, with exponents of 0 and less. */
interface Parts {
  readonly sign: I64;
  readonly exponent: Local<'i64'>;
  /** Without the leading bit. */
  readonly fraction: Local<'i64'>;
}

/**
 * vfrec7 and vfrsqrt7. The specification has tables of 128 entries of 7 bits; each entry is the reciprocal, or that of
 * the root, of the middle of its interval, rounded to nearest, as which it is computed here.
 */
export class FloatEstimates {
  readonly #f: FunctionBuilder;
  readonly #mode: Local<'i32'>;
  readonly #raise: (flags: number) => void;

  /** @param raise emits code that sets flags */
  constructor(f: FunctionBuilder, mode: Local<'i32'>, raise: (flags: number) => void) {
    this.#f = f;
    this.#mode = mode;
    this.#raise = raise;
  }

  /** @param eew log2 of the bytes of a number */
  reciprocal(eew: number, a: I64): I64 {
    const f = this.#f;
    return this.#special(
      eew,
      a,
      (raw, result, format) => {
        const { bias, fractionBits } = format;
        const { sign, exponent, fraction } = this.#unpack(format, raw);
        f.if(
          i64.lt_s(exponent, i64.const(-1)),
          () => this.#overflow(format, sign, result),
          () => {
            const index = i32.wrap_i64(i64.shr_u(fraction, i64.const(fractionBits - 7)));
            // The middle is (257 + 2 × index) / 256, and what follows the 1 of twice its reciprocal is the entry.
            const entry = f64.sub(f64.nearest(f64.div(number(65536), this.#odd(257, index))), number(128));
            const significand = f.let(i64.shl(toInteger(entry), i64.const(fractionBits - 7)));
            const out = f.let(i64.sub(i64.const(2 * bias - 1), exponent));
            f.if(i64.lt_s(out, i64.const(1)), () => {
              const leading = i64.const(1n << BigInt(fractionBits - 1));
              const shift = i64.sub(i64.const(0), out);
              f.set(significand, i64.or(i64.shr_u(significand, i64.const(1)), leading));
              f.set(significand, i64.shr_u(significand, shift));
              f.set(out, i64.const(0));
            });
            f.set(result, this.#packed(format, sign, out, significand));
          },
        );
      },
      'reciprocal',
    );
  }

  /** @param eew log2 of the bytes of a number */
  reciprocalRoot(eew: number, a: I64): I64 {
    const f = this.#f;
    return this.#special(
      eew,
      a,
      (raw, result, format) => {
        const { bias, fractionBits } = format;
        const { sign, exponent, fraction } = this.#unpack(format, raw);
        f.if(
          i64.ne(sign, i64.const(0)),
          () => {
            this.#raise(FLAG.invalid);
            f.set(result, i64.const(format.canonicalNan));
          },
          () => {
            const index = i32.wrap_i64(i64.shr_u(fraction, i64.const(fractionBits - 6)));
            // The middle is (129 + 2 × index) / 128, twice as much if the exponent is odd: its field is even then.
            const odd = i64.and(exponent, i64.const(1));
            const twice = select(i64.eqz(odd), number(2), number(1));
            const middle = f64.div(f64.mul(this.#odd(129, index), twice), number(128));
            const entry = f64.sub(f64.nearest(f64.div(number(256), f64.sqrt(middle))), number(128));
            const out = i64.shr_s(i64.sub(i64.const(3 * bias - 1), exponent), i64.const(1));
            const significand = i64.shl(toInteger(entry), i64.const(fractionBits - 7));
            f.set(result, this.#packed(format, sign, out, significand));
          },
        );
      },
      'root',
    );
  }

  /** least + 2 × index. */
  #odd(least: number, index: I32): F64 {
    return f64.convert_i32_s(i32.add(i32.const(least), i32.shl(index, i32.const(1))));
  }

  #packed({ fractionBits }: Encoding, sign: I64, exponent: I64, significand: I64): I64 {
    return i64.or(sign, i64.or(i64.shl(exponent, i64.const(fractionBits)), significand));
  }

  /** NaNs, infinities and zeros; all else is for `ordinary`. */
  #special(
    eew: number,
    a: I64,
    ordinary: (raw: Local<'i64'>, result: Local<'i64'>, format: Encoding) => void,
    what: 'reciprocal' | 'root',
  ): I64 {
    const f = this.#f;
    const format = ENCODINGS[eew];
    if (format === undefined) throw new Error(`no number has ${8 << eew} bits`);
    const raw = f.let(i64.and(a, i64.const(BigInt.asIntN(64, (format.sign << 1n) - 1n))));
    const size = f.let(i64.and(raw, i64.const(format.sign - 1n)));
    const sign = f.let(i64.xor(raw, size));
    const result = f.let(i64.const(format.canonicalNan));
    const infinity = i64.const(format.infinity);
    f.block((done) => {
      f.if(i64.gt_u(size, infinity), () => {
        f.if(i64.eqz(i64.and(raw, i64.const(format.quiet))), () => this.#raise(FLAG.invalid));
        f.br(done);
      });
      f.if(i64.eqz(size), () => {
        this.#raise(FLAG.divideByZero);
        f.set(result, i64.or(sign, infinity));
        f.br(done);
      });
      f.if(i64.eq(size, infinity), () => {
        if (what === 'reciprocal') f.set(result, sign);
        else {
          f.if(
            i64.eqz(sign),
            () => f.set(result, i64.const(0)),
            () => this.#raise(FLAG.invalid),
          );
        }
        f.br(done);
      });
      ordinary(raw, result, format);
    });
    return result;
  }

  #unpack({ fractionBits, exponentMask, sign }: Encoding, raw: Local<'i64'>): Parts {
    const f = this.#f;
    const mask = (1n << BigInt(fractionBits)) - 1n;
    const exponent = f.let(i64.and(i64.shr_u(raw, i64.const(fractionBits)), i64.const(exponentMask)));
    const fraction = f.let(i64.and(raw, i64.const(mask)));
    f.if(i64.eqz(exponent), () => {
      const shift = f.let(i64.sub(i64.clz(fraction), i64.const(63 - fractionBits)));
      f.set(fraction, i64.and(i64.shl(fraction, shift), i64.const(mask)));
      f.set(exponent, i64.sub(i64.const(1), shift));
    });
    return { sign: i64.and(raw, i64.const(BigInt.asIntN(64, sign))), exponent, fraction };
  }

  /** The reciprocal is beyond the largest number: that one, or infinity, as the rounding mode says. */
  #overflow(format: Encoding, sign: I64, result: Local<'i64'>): void {
    const f = this.#f;
    const mode = this.#mode;
    this.#raise(FLAG.overflow | FLAG.inexact);
    const isNegative = f.let(i64.ne(sign, i64.const(0)));
    const inward = select(isNegative, i32.const(ROUND.up), i32.const(ROUND.down));
    const staysFinite = i32.or(i32.eq(mode, i32.const(ROUND.towardZero)), i32.eq(mode, inward));
    const size = i64.sub(i64.const(format.infinity), i64.extend_i32_u(staysFinite));
    f.set(result, i64.or(sign, size));
  }
}

function toInteger(value: F64): I64 {
  return i64.trunc_sat_f64_s(value);
}

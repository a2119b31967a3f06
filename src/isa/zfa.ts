import { type I32, type I64, i32, i64, select } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import {
  F_BINARY,
  F_COMPARE,
  F_LITERAL,
  F_PAIR,
  F_TO_X,
  F_TO_X_TRUNCATED,
  F_UNARY_ROUNDED,
} from './formats.ts';
import type { Extension } from './instruction.ts';
import { LITERALS } from './literals.ts';
import type { FloatBits, FloatFormat, FloatSemantics } from './semantics.ts';
import { unsignedWord } from './words.ts';

/** A format: the extension that it needs, its fmt field, and how the constants of `fli` become its bits. */
interface Format<F extends FloatFormat> {
  readonly format: F;
  readonly needs: Extension;
  readonly fmt: number;
  readonly setResult: (float: FloatSemantics, value: FloatBits[F]) => void;
  /** Bits from the upper half of the constant's first word: sign, exponent and first bits of the fraction. */
  readonly literals: readonly number[];
  readonly fromUpper: (upper: I64) => FloatBits[F];
}

/** The upper 16 bits of each literal in a format of 32 or 64 bits. */
function uppersOf(width: 32 | 64): readonly number[] {
  const view = new DataView(new ArrayBuffer(8));
  const smallest = width === 32 ? 2 ** -126 : 2 ** -1022;
  return LITERALS.map((literal, index) => {
    const value = index === 1 ? smallest : literal;
    if (width === 32) view.setFloat32(0, value);
    else view.setFloat64(0, value);
    return view.getUint16(0);
  });
}

/**
 * The same in binary16, of which all are upper bits: sign and fraction those of binary32, and another bias. 2^16 is
 * beyond its largest number, and stands for infinity.
 */
const halfUppers = uppersOf(32).map((upper, index) => {
  if (index === 1) return 0x0400;
  if (index === 29 || index === 30) return 0x7c00;
  if (index === 31) return 0x7e00;
  const exponent = ((upper >> 7) & 0xff) - 127;
  const fraction = (upper & 0x7f) << 3;
  // 2^-16 and 2^-15 are subnormal.
  return exponent < -14 ? 1 << (exponent + 24) : (upper & 0x8000) | ((exponent + 15) << 10) | fraction;
});

/** An entry of a table of 32 by its number: four each in a constant, which are chosen from without branches. */
function entryOf(table: readonly number[], index: I64): I64 {
  const words = Array.from({ length: 8 }, (_, at) =>
    i64.const(
      BigInt.asIntN(
        64,
        table
          .slice(4 * at, 4 * at + 4)
          .reduce((sum, entry, place) => sum | (BigInt(entry) << BigInt(16 * place)), 0n),
      ),
    ),
  );
  const bit = (at: number): I32 => i32.wrap_i64(i64.and(index, i64.const(1 << at)));
  const choose = (from: readonly I64[], at: number): I64 => {
    if (from.length === 1) return from[0];
    const half = from.length / 2;
    return select(bit(at), choose(from.slice(half), at - 1), choose(from.slice(0, half), at - 1));
  };
  const place = i64.shl(i64.and(index, i64.const(3)), i64.const(4));
  return i64.and(i64.shr_u(choose(words, 4), place), i64.const(0xffff));
}

function operations<F extends FloatFormat>(of: Format<F>): InstructionDefinition[] {
  const { format, needs, fmt, setResult } = of;
  const zfa = instructionsOf({ extension: 'zfa', alsoNeeds: needs, needsFloat: true });
  const extremum = (which: 'minm' | 'maxm', funct3: number) =>
    zfa(`f${which}.${format}`, F_BINARY, 0x2800_0053 | (funct3 << 12) | fmt, ({ float }) =>
      setResult(float, float.minmax(which, format, float.rs1[format], float.rs2[format])),
    );
  const comparison = (which: 'leq' | 'ltq', funct3: number) =>
    zfa(`f${which}.${format}`, F_COMPARE, 0xa000_0053 | (funct3 << 12) | fmt, ({ rd, float }) =>
      rd.set(i64.extend_i32_u(float.compare(which, format, float.rs1[format], float.rs2[format]))),
    );
  return [
    zfa(`fli.${format}`, F_LITERAL, 0xf010_0053 | fmt, ({ imm, float }) =>
      setResult(float, of.fromUpper(entryOf(of.literals, imm))),
    ),
    extremum('minm', 2),
    extremum('maxm', 3),
    zfa(`fround.${format}`, F_UNARY_ROUNDED, 0x4040_0053 | fmt, ({ float }) =>
      setResult(float, float.round('round', format, float.rs1[format])),
    ),
    zfa(`froundnx.${format}`, F_UNARY_ROUNDED, 0x4050_0053 | fmt, ({ float }) =>
      setResult(float, float.round('roundInexact', format, float.rs1[format])),
    ),
    comparison('leq', 4),
    comparison('ltq', 5),
  ];
}

const doubles = instructionsOf({ extension: 'zfa', alsoNeeds: 'd', needsFloat: true });
const doubles32 = instructionsOf({ extension: 'zfa', alsoNeeds: 'd', needsFloat: true, xlen: 32 });

/** Zfa: additional instructions of floating point, of each format that there is. */
export const zfaInstructions: readonly InstructionDefinition[] = [
  ...operations({
    format: 's',
    needs: 'f',
    fmt: 0,
    setResult: (float, value) => float.rd.setS(value),
    literals: uppersOf(32),
    fromUpper: (upper) => i32.shl(i32.wrap_i64(upper), i32.const(16)),
  }),
  ...operations({
    format: 'd',
    needs: 'd',
    fmt: 1 << 25,
    setResult: (float, value) => float.rd.setD(value),
    literals: uppersOf(64),
    fromUpper: (upper) => i64.shl(upper, i64.const(48)),
  }),
  ...operations({
    format: 'h',
    needs: 'zfh',
    fmt: 2 << 25,
    setResult: (float, value) => float.rd.setH(value),
    literals: halfUppers,
    fromUpper: (upper) => i32.wrap_i64(upper),
  }),
  doubles('fcvtmod.w.d', F_TO_X_TRUNCATED, 0xc280_1053, ({ rd, float }) =>
    rd.set(float.toModularWord(float.rs1.d)),
  ),
  doubles32('fmvh.x.d', F_TO_X, 0xe210_0053, ({ rd, float }) =>
    rd.set(i64.shr_s(float.rs1.raw, i64.const(32))),
  ),
  doubles32('fmvp.d.x', F_PAIR, 0xb200_0053, ({ rs1, rs2, float }) =>
    float.rd.setD(i64.or(unsignedWord(rs1), i64.shl(rs2, i64.const(32)))),
  ),
];

import { type I32, type I64, i32, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R, UNARY } from './formats.ts';
import type { SemanticsOf } from './semantics.ts';
import { word, wordResult } from './words.ts';

const zknh = instructionsOf({ extension: 'zknh' });
const zknh32 = instructionsOf({ extension: 'zknh', xlen: 32 });
const zknh64 = instructionsOf({ extension: 'zknh', xlen: 64 });

/** A function of SHA-2: the value, rotated right by the first amounts, and in a small sigma shifted by the last one. */
interface Mix {
  readonly rotations: readonly number[];
  readonly shift?: number;
}

const ofWord =
  ({ rotations, shift }: Mix): SemanticsOf =>
  (s) => {
    const value = s.let(word(s.rs1));
    const parts = rotations.map((by): I32 => i32.rotr(value, i32.const(by)));
    if (shift !== undefined) parts.push(i32.shr_u(value, i32.const(shift)));
    s.rd.set(wordResult(parts.reduce((sum, part) => i32.xor(sum, part))));
  };

const ofDoubleword =
  ({ rotations, shift }: Mix): SemanticsOf =>
  (s) => {
    const value = s.let(s.rs1);
    const parts = rotations.map((by): I64 => i64.rotr(value, i64.const(by)));
    if (shift !== undefined) parts.push(i64.shr_u(value, i64.const(shift)));
    s.rd.set(parts.reduce((sum, part) => i64.xor(sum, part)));
  };

/** Half of a value of 64 bits on RV32: shifts of rs1 and rs2, to the left where they are negative. */
const ofHalves =
  (ofFirst: readonly number[], ofSecond: readonly number[]): SemanticsOf =>
  (s) => {
    const first = s.let(word(s.rs1));
    const second = s.let(word(s.rs2));
    const shifted = (value: I32, by: number): I32 =>
      by < 0 ? i32.shl(value, i32.const(-by)) : i32.shr_u(value, i32.const(by));
    const parts = [...ofFirst.map((by) => shifted(first, by)), ...ofSecond.map((by) => shifted(second, by))];
    s.rd.set(wordResult(parts.reduce((sum, part) => i32.xor(sum, part))));
  };

/**
 * Zknh: the sums and sigmas of SHA-256 and SHA-512 (scalar cryptography specification; FIPS 180-4, 4.1.2 and 4.1.3). On
 * RV32 those of SHA-512 give one half of the result, of operands that have one half each.
 */
export const zknhInstructions: readonly InstructionDefinition[] = [
  zknh('sha256sum0', UNARY, 0x1000_1013, ofWord({ rotations: [2, 13, 22] })),
  zknh('sha256sum1', UNARY, 0x1010_1013, ofWord({ rotations: [6, 11, 25] })),
  zknh('sha256sig0', UNARY, 0x1020_1013, ofWord({ rotations: [7, 18], shift: 3 })),
  zknh('sha256sig1', UNARY, 0x1030_1013, ofWord({ rotations: [17, 19], shift: 10 })),
  zknh64('sha512sum0', UNARY, 0x1040_1013, ofDoubleword({ rotations: [28, 34, 39] })),
  zknh64('sha512sum1', UNARY, 0x1050_1013, ofDoubleword({ rotations: [14, 18, 41] })),
  zknh64('sha512sig0', UNARY, 0x1060_1013, ofDoubleword({ rotations: [1, 8], shift: 7 })),
  zknh64('sha512sig1', UNARY, 0x1070_1013, ofDoubleword({ rotations: [19, 61], shift: 6 })),
  zknh32('sha512sum0r', R, 0x5000_0033, ofHalves([-25, -30, 28], [7, 2, -4])),
  zknh32('sha512sum1r', R, 0x5200_0033, ofHalves([-23, 14, 18], [9, -18, -14])),
  zknh32('sha512sig0l', R, 0x5400_0033, ofHalves([1, 7, 8], [-31, -25, -24])),
  zknh32('sha512sig1l', R, 0x5600_0033, ofHalves([-3, 6, 19], [29, -26, -13])),
  zknh32('sha512sig0h', R, 0x5c00_0033, ofHalves([1, 7, 8], [-31, -24])),
  zknh32('sha512sig1h', R, 0x5e00_0033, ofHalves([-3, 6, 19], [29, -13])),
];

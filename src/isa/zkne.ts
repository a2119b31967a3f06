import { type I64, INTEGER_LANES, i32, i64, select, type V128, v128 } from '../wasm/index.ts';
import {
  mixedColumns,
  roundConstant,
  substitutedBytes,
  substitutedRows,
  unmixedColumns,
  unsubstitutedBytes,
  unsubstitutedRows,
} from './aes.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { KEY_ROUND, R, R_BYTE, UNARY } from './formats.ts';
import type { Semantics, SemanticsOf } from './semantics.ts';
import { rotatedToByte, selectedByte, word, wordResult } from './words.ts';

const zkne32 = instructionsOf({ extension: 'zkne', xlen: 32 });
const zknd32 = instructionsOf({ extension: 'zknd', xlen: 32 });
const zkne64 = instructionsOf({ extension: 'zkne', xlen: 64 });
const zknd64 = instructionsOf({ extension: 'zknd', xlen: 64 });
const either64 = instructionsOf({ extension: 'zkne', alsoIn: 'zknd', xlen: 64 });

const { i32x4, i64x2 } = INTEGER_LANES;

type Step = (s: Pick<Semantics, 'let'>, state: V128) => V128;

const unchanged: Step = (_, state) => state;

/** Half of the next state, whose columns are those of rs1 and, behind them, rs2; without the round key. */
const ofHalf =
  (substitute: Step, mix: Step): SemanticsOf =>
  (s) => {
    const state = i64x2.replace(i64x2.splat(s.rs1), 1, s.rs2);
    s.rd.set(i64x2.extract(mix(s, substitute(s, state)), 0));
  };

/** The first byte of 16. */
const FIRST_BYTE = v128.const([0xff, ...new Array<number>(15).fill(0)]);

/** The term that a byte of rs2 adds to a column of the next state. */
const ofByte =
  (substitute: Step, mix: Step): SemanticsOf =>
  (s) => {
    const byte = i32x4.splat(selectedByte(s));
    const column = mix(s, v128.and(substitute(s, byte), FIRST_BYTE));
    const added = rotatedToByte(s, i32x4.extract(column, 0));
    s.rd.set(wordResult(i32.xor(added, word(s.rs1))));
  };

/** SubWord of RotWord, and the round constant, twice. */
const keyRound: SemanticsOf = (s) => {
  const round = s.let(word(s.imm));
  const last = word(i64.shr_u(s.rs1, i64.const(32)));
  const by = select(i32.eq(round, i32.const(10)), i32.const(0), i32.const(8));
  const key = substitutedBytes(s, i32x4.splat(i32.rotr(last, by)));
  s.rd.set(i64x2.extract(v128.xor(key, i32x4.splat(roundConstant(round))), 0));
};

/** The sums of words of the key from the last one of rs1 on. */
const keySums: SemanticsOf = ({ rd, rs1, rs2, let: named }) => {
  const lower = named(i64.xor(i64.shr_u(rs1, i64.const(32)), rs2));
  const upper = named(i64.xor(i64.shl(lower, i64.const(32)), upperHalf(rs2)));
  rd.set(i64.or(upper, i64.and(lower, i64.const(0xffff_ffff))));
};

const upperHalf = (value: I64): I64 => i64.and(value, i64.const(-0x1_0000_0000));

const mixOnly: SemanticsOf = (s) => s.rd.set(i64x2.extract(unmixedColumns(s, i64x2.splat(s.rs1)), 0));

/**
 * Zkne and Zknd: rounds of AES and of its key expansion (unprivileged specification, "Scalar Cryptography Extensions";
 * FIPS 197), on halves of the state, or on RV32 on bytes of it.
 */
export const zkneInstructions: readonly InstructionDefinition[] = [
  zkne32('aes32esi', R_BYTE, 0x2200_0033, ofByte(substitutedBytes, unchanged)),
  zkne32('aes32esmi', R_BYTE, 0x2600_0033, ofByte(substitutedBytes, mixedColumns)),
  zknd32('aes32dsi', R_BYTE, 0x2a00_0033, ofByte(unsubstitutedBytes, unchanged)),
  zknd32('aes32dsmi', R_BYTE, 0x2e00_0033, ofByte(unsubstitutedBytes, unmixedColumns)),
  zkne64('aes64es', R, 0x3200_0033, ofHalf(substitutedRows, unchanged)),
  zkne64('aes64esm', R, 0x3600_0033, ofHalf(substitutedRows, mixedColumns)),
  zknd64('aes64ds', R, 0x3a00_0033, ofHalf(unsubstitutedRows, unchanged)),
  zknd64('aes64dsm', R, 0x3e00_0033, ofHalf(unsubstitutedRows, unmixedColumns)),
  zknd64('aes64im', UNARY, 0x3000_1013, mixOnly),
  either64('aes64ks1i', KEY_ROUND, 0x3100_1013, keyRound),
  either64('aes64ks2', R, 0x7e00_0033, keySums),
];

import { type I64, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R, UNARY } from './formats.ts';
import type { Semantics } from './semantics.ts';
import { reverseBitsOfBytes, unsignedWord, word, wordResult } from './words.ts';

const zbkb = instructionsOf({ extension: 'zbkb' });
const zbkb32 = instructionsOf({ extension: 'zbkb', xlen: 32 });
const zbkb64 = instructionsOf({ extension: 'zbkb', xlen: 64 });

const byteOf = (value: I64): I64 => i64.and(value, i64.const(0xff));
const halfOf = (value: I64): I64 => i64.and(value, i64.const(0xffff));

/** Exchanges groups of bits: those in the middle of each quadruple of groups. */
function swapMiddle(s: Semantics, value: I64, distance: number, lower: bigint): I64 {
  const by = i64.const(distance);
  const upper = lower << BigInt(distance);
  const kept = i64.and(value, i64.const(~(lower | upper)));
  const up = i64.shl(i64.and(value, i64.const(lower)), by);
  return s.let(i64.or(kept, i64.or(up, i64.and(i64.shr_u(value, by), i64.const(lower)))));
}

/** Masks of the lower group of the two in the middle, by the size of groups. */
const MIDDLES = [
  [8, 0x0000_ff00n],
  [4, 0x00f0_00f0n],
  [2, 0x0c0c_0c0cn],
  [1, 0x2222_2222n],
] as const;

/** The halves of a word into its even and odd bits, from groups of 8 to those of 1; and back. */
function interleave(s: Semantics, steps: typeof MIDDLES | readonly (typeof MIDDLES)[number][]): void {
  const start = s.let(s.rs1);
  s.rd.set(steps.reduce((value: I64, [distance, mask]) => swapMiddle(s, value, distance, mask), start));
}

/** Zbkb beyond its part in Zbb: packing and bits in reverse. */
export const zbkbInstructions: readonly InstructionDefinition[] = [
  zbkb('pack', R, 0x0800_4033, ({ rd, rs1, rs2 }, xlen) =>
    rd.set(
      xlen === 64
        ? i64.or(unsignedWord(rs1), i64.shl(rs2, i64.const(32)))
        : i64.or(halfOf(rs1), i64.shl(rs2, i64.const(16))),
    ),
  ),
  zbkb('packh', R, 0x0800_7033, ({ rd, rs1, rs2 }) =>
    rd.set(i64.or(byteOf(rs1), i64.shl(byteOf(rs2), i64.const(8)))),
  ),
  zbkb64('packw', R, 0x0800_403b, ({ rd, rs1, rs2 }) =>
    rd.set(wordResult(word(i64.or(halfOf(rs1), i64.shl(rs2, i64.const(16)))))),
  ),
  zbkb('brev8', UNARY, 0x6870_5013, (s) => s.rd.set(reverseBitsOfBytes(s, s.rs1))),
  zbkb32('zip', UNARY, 0x08f0_1013, (s) => interleave(s, MIDDLES)),
  zbkb32('unzip', UNARY, 0x08f0_5013, (s) => interleave(s, MIDDLES.toReversed())),
];

import { type I32, INTEGER_LANES, i32, select, type V128, v128 } from '../../wasm/index.ts';
import {
  mixedColumns,
  roundConstant,
  substitutedBytes,
  substitutedRows,
  unmixedColumns,
  unsubstitutedRows,
} from '../aes.ts';
import { boxOf, substituted } from '../byte-boxes.ts';
import type { InstructionDefinition } from '../define.ts';
import { onGroups } from './define.ts';
import { V_UNARY_PLAIN, VU_PLAIN } from './formats.ts';
import type { ElementGroup, GroupOperands, GroupsShape } from './shapes.ts';

const { i8x16, i32x4 } = INTEGER_LANES;
const { xor } = v128;

type Round = (operands: GroupOperands, state: V128, key: V128) => V128;

const GROUPS_OF_4 = { kind: 'groups', size: 4, hasVs1: false, scalar: false, disjoint: [] } as const;

/** A round on a state in vd, with the key in vs2: each with its own (`.vv`), or all with the first one (`.vs`). */
function rounds(
  name: string,
  extension: 'zvkned' | 'zvksed',
  field: number,
  round: Round,
  variants: readonly ('vv' | 'vs')[] = ['vv', 'vs'],
): InstructionDefinition[] {
  return variants.map((variant) => {
    const scalar = variant === 'vs';
    const shape: GroupsShape = {
      ...GROUPS_OF_4,
      scalar,
      disjoint: scalar ? ['rs2'] : [],
      compute: (operands) => [round(operands, operands.d[0], operands.a[0])],
    };
    const encoding = [`${name}.${variant}`, extension, V_UNARY_PLAIN, scalar ? 0b101001 : 0b101000] as const;
    return onGroups(encoding, shape, field);
  });
}

/** Four words, of which each adds up those before it. */
function runningSum({ let: named }: GroupOperands, words: V128): V128 {
  const up = (value: V128, lanes: number): V128 =>
    i8x16.shuffle(
      v128.const(new Array<number>(16).fill(0)),
      value,
      Array.from({ length: 16 }, (_, byte) => (byte < 4 * lanes ? 0 : 16 + byte - 4 * lanes)),
    );
  const pairs = named(xor(words, up(words, 1)));
  return xor(pairs, up(pairs, 2));
}

/** The next key of AES, by its number; its words are added to `before`. */
function nextKey(
  operands: GroupOperands,
  before: V128,
  { by, constant }: { readonly by: I32; readonly constant: I32 },
): ElementGroup {
  const last = i32.rotr(i32x4.extract(operands.a[0], 3), by);
  const boxed = substitutedBytes(operands, i32x4.splat(last));
  const first = xor(boxed, i32x4.splat(constant));
  return [xor(runningSum(operands, before), first)];
}

/** A number of 4 bits; one that no key has is mapped to one that a key has by its uppermost bit. */
function keyNumber({ imm, let: named }: GroupOperands, first: number, last: number): I32 {
  const number = named(i32.and(imm, i32.const(15)));
  const isBeyond = i32.gt_u(i32.sub(number, i32.const(first)), i32.const(last - first));
  return named(i32.xor(number, i32.shl(isBeyond, i32.const(3))));
}

const keyOf128: GroupsShape = {
  ...GROUPS_OF_4,
  compute: (operands) => {
    const number = keyNumber(operands, 1, 10);
    const constant = roundConstant(i32.sub(number, i32.const(1)));
    return nextKey(operands, operands.a[0], { by: i32.const(8), constant });
  },
};

const keyOf256: GroupsShape = {
  ...GROUPS_OF_4,
  compute: (operands) => {
    const number = keyNumber(operands, 2, 14);
    const isOdd = operands.let(i32.and(number, i32.const(1)));
    const constant = roundConstant(i32.sub(i32.shr_u(number, i32.const(1)), i32.const(1)));
    return nextKey(operands, operands.d[0], {
      by: select(isOdd, i32.const(0), i32.const(8)),
      constant: select(isOdd, i32.const(0), constant),
    });
  },
};

/** Zvkned (FIPS 197). */
const aes = [
  ...rounds('vaesdm', 'zvkned', 0, (operands, state, key) =>
    unmixedColumns(operands, xor(unsubstitutedRows(operands, state), key)),
  ),
  ...rounds('vaesdf', 'zvkned', 1, (operands, state, key) => xor(unsubstitutedRows(operands, state), key)),
  ...rounds('vaesem', 'zvkned', 2, (operands, state, key) =>
    xor(mixedColumns(operands, substitutedRows(operands, state)), key),
  ),
  ...rounds('vaesef', 'zvkned', 3, (operands, state, key) => xor(substitutedRows(operands, state), key)),
  ...rounds('vaesz', 'zvkned', 7, (_, state, key) => xor(state, key), ['vs']),
  onGroups(['vaeskf1.vi', 'zvkned', VU_PLAIN, 0b100010], keyOf128),
  onGroups(['vaeskf2.vi', 'zvkned', VU_PLAIN, 0b101010], keyOf256),
];

const FOUR = [0, 1, 2, 3] as const;

/** Four rounds of SM4, or of its key expansion: each replaces the oldest word, by the sum of the others and a key. */
function sm4Rounds(operands: GroupOperands, state: V128, keys: V128, rotations: readonly number[]): V128 {
  const { let: named } = operands;
  const words = FOUR.map((lane) => named(i32x4.extract(state, lane)));
  for (const round of FOUR) {
    const others = FOUR.filter((word) => word !== round).map((word) => words[word]);
    const sum = others.reduce((all, word) => i32.xor(all, word), i32x4.extract(keys, round));
    const boxed = named(i32x4.extract(substituted(operands, boxOf('sm4'), i32x4.splat(sum)), 0));
    const spread = rotations.reduce((all, by) => i32.xor(all, i32.rotl(boxed, i32.const(by))), boxed);
    words[round] = named(i32.xor(words[round], spread));
  }
  return words.reduce((all, word, lane) => i32x4.replace(all, FOUR[lane], word), i32x4.splat(words[0]));
}

/** Constants of four rounds of the key expansion: bytes of a word are 7 disjoint, from its uppermost one on. */
function sm4Constants({ imm, let: named }: GroupOperands): V128 {
  const first = v128.const(Array.from({ length: 16 }, (_, byte) => (7 * (byte ^ 3)) & 0xff));
  return named(i8x16.add(first, i8x16.splat(i32.mul(i32.and(imm, i32.const(7)), i32.const(7 * 16)))));
}

const sm4Key: GroupsShape = {
  ...GROUPS_OF_4,
  compute: (operands) => [sm4Rounds(operands, operands.a[0], sm4Constants(operands), [13, 23])],
};

/** Zvksed (GB/T 32907-2016). */
const sm4 = [
  ...rounds('vsm4r', 'zvksed', 16, (operands, state, keys) =>
    sm4Rounds(operands, state, keys, [2, 10, 18, 24]),
  ),
  onGroups(['vsm4k.vi', 'zvksed', VU_PLAIN, 0b100001], sm4Key),
];

/** Rounds of block ciphers on element groups (unprivileged specification, "Vector Cryptography Extensions"). */
export const cipherInstructions: readonly InstructionDefinition[] = [...aes, ...sm4];

import { type I64, INTEGER_LANES, i32, i64, type V128, v128 } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { reverseBits } from '../words.ts';
import { carryless } from '../zbc.ts';
import { onGroups } from './define.ts';
import { V_UNARY_PLAIN, VV_PLAIN } from './formats.ts';
import type { GroupOperands, GroupsShape } from './shapes.ts';

const { i8x16, i64x2 } = INTEGER_LANES;

type Tools = Pick<GroupOperands, 'let'>;

const reversedNibble = (nibble: number): number =>
  [0, 1, 2, 3].reduce((sum, bit) => sum | (((nibble >> bit) & 1) << (3 - bit)), 0);
const NIBBLES = Array.from({ length: 16 }, (_, nibble) => nibble);
const LOWER = v128.const(NIBBLES.map((nibble) => reversedNibble(nibble) << 4));
const UPPER = v128.const(NIBBLES.map(reversedNibble));
const MASK = v128.const(NIBBLES.map(() => 0x0f));

/** The bits of each byte in reverse. */
function reversedBytes(bytes: V128): V128 {
  const lower = i8x16.swizzle(LOWER, v128.and(bytes, MASK));
  return v128.or(lower, i8x16.swizzle(UPPER, i8x16.shr_u(bytes, i32.const(4))));
}

/** Half of a polynomial, and the same with its bits in reverse. */
interface Half {
  readonly plain: I64;
  readonly reversed: I64;
}

/** Both halves, the one with lower powers first. In memory the uppermost bit of a byte is of the lowest power. */
function halvesOf({ let: named }: Tools, bytes: V128): [Half, Half] {
  const plain = named(reversedBytes(bytes));
  const reversed = named(i8x16.shuffle(bytes, bytes, [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]));
  const half = (lane: 0 | 1): Half => ({
    plain: named(i64x2.extract(plain, lane)),
    reversed: named(i64x2.extract(reversed, lane)),
  });
  return [half(0), half(1)];
}

const sum = (...parts: readonly I64[]): I64 => parts.reduce((all, part) => i64.xor(all, part));

/** Both halves of a product without carries. */
function product(tools: Tools, a: Half, b: Half): [lower: I64, upper: I64] {
  const lower = tools.let(carryless(tools, a.plain, b.plain));
  const reversed = carryless(tools, a.reversed, b.reversed);
  return [lower, tools.let(i64.shr_u(reverseBits(tools, reversed), i64.const(1)))];
}

/** Modulo x^128 + x^7 + x^2 + x + 1 x^128 is x^7 + x^2 + x + 1: the sum of 64 powers beyond it. */
const POWERS = [1, 2, 7] as const;
const folded = (value: I64): I64 => sum(value, ...POWERS.map((by) => i64.shl(value, i64.const(by))));
const overflow = (value: I64): I64 => sum(...POWERS.map((by) => i64.shr_u(value, i64.const(64 - by))));

/** A product in the field of GHASH (NIST SP 800-38D, 6.3), of three products of halves (Karatsuba). */
function fieldProduct(tools: Tools, left: V128, right: V128): V128 {
  const { let: named } = tools;
  const [a0, a1] = halvesOf(tools, left);
  const [b0, b1] = halvesOf(tools, right);
  const both = (x: Half, y: Half): Half => ({
    plain: named(sum(x.plain, y.plain)),
    reversed: named(sum(x.reversed, y.reversed)),
  });
  const [low0, low1] = product(tools, a0, b0);
  const [high0, high1] = product(tools, a1, b1);
  const [middle0, middle1] = product(tools, both(a0, a1), both(b0, b1));
  const third = high1;
  const second = named(sum(high0, middle1, low1, high1, overflow(third)));
  const first = sum(low1, middle0, low0, high0, folded(third), overflow(second));
  const result = i64x2.replace(i64x2.splat(sum(low0, folded(second))), 1, first);
  return reversedBytes(named(result));
}

const multiply: GroupsShape = {
  kind: 'groups',
  size: 4,
  ...{ hasVs1: false, scalar: false, disjoint: [] },
  compute: (operands) => [fieldProduct(operands, operands.d[0], operands.a[0])],
};

const addAndMultiply: GroupsShape = {
  ...multiply,
  hasVs1: true,
  compute: (operands) => {
    const added = operands.let(v128.xor(operands.d[0], operands.b[0]));
    return [fieldProduct(operands, added, operands.a[0])];
  },
};

/** Zvkg: GHASH on element groups. */
export const ghashInstructions: readonly InstructionDefinition[] = [
  onGroups(['vgmul.vv', 'zvkg', V_UNARY_PLAIN, 0b101000], multiply, 17),
  onGroups(['vghsh.vv', 'zvkg', VV_PLAIN, 0b101100], addAndMultiply),
];

import type { Random } from './random.ts';

const ONES_64 = (1n << 64n) - 1n;
const BOX = 0xffff_ffff_0000_0000n;

const INTEGERS: readonly bigint[] = [
  0n,
  1n,
  2n,
  ONES_64,
  ONES_64 - 1n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_0000_0000_0001n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_7fff_ffffn,
  0xaaaa_aaaa_aaaa_aaaan,
  0x5555_5555_5555_5555n,
];

/** Widths of exponent and fraction, and exponents at which something ends. */
const SINGLE = { exponent: 8, fraction: 23, edges: [30, 31, 32, 62, 63, 64, -126, -127] } as const;
/** Those of a double are also where conversion to single overflows, gets subnormal, or gets 0. */
const DOUBLE = {
  exponent: 11,
  fraction: 52,
  edges: [30, 31, 32, 62, 63, 64, 127, 128, -126, -127, -128, -149, -150, -1022],
} as const;
type Shape = typeof SINGLE | typeof DOUBLE;

/** Random bits of which runs are equal, so that carries and ties happen. */
function fractionBits(random: Random, width: number): bigint {
  const mask = (1n << BigInt(width)) - 1n;
  const low = BigInt(random.below(width));
  switch (random.below(6)) {
    case 0:
      return 0n;
    case 1:
      return mask;
    case 2:
      return 1n << low;
    case 3:
      return mask ^ ((1n << low) - 1n);
    case 4:
      return (1n << low) - 1n;
    default:
      return random.wide() & mask;
  }
}

/** Zeros, subnormals, infinities and NaNs at the ends of the exponents; else mostly near 1 and at edges. */
function exponentBits(random: Random, { exponent, edges }: Shape): number {
  const highest = (1 << exponent) - 1;
  const bias = highest >> 1;
  switch (random.below(7)) {
    case 0:
      return 0;
    case 1:
      return highest;
    case 2:
      return random.pick([1, 2, highest - 1, highest - 2]);
    case 3:
    case 4:
      return bias + random.between(-3, 1);
    case 5:
      return bias + random.pick(edges);
    default:
      return random.between(0, highest);
  }
}

function float(random: Random, shape: Shape): bigint {
  const { exponent, fraction } = shape;
  const sign = BigInt(random.below(2));
  const biased = BigInt(exponentBits(random, shape));
  return (((sign << BigInt(exponent)) | biased) << BigInt(fraction)) | fractionBits(random, fraction);
}

function integer(random: Random): bigint {
  const bit = 1n << BigInt(random.below(64));
  switch (random.below(5)) {
    case 0:
      return random.pick(INTEGERS);
    case 1:
      return bit - BigInt(random.below(2));
    case 2:
      return ONES_64 ^ bit;
    case 3:
      return BigInt.asUintN(64, BigInt(random.between(-70, 70)));
    default:
      return random.wide() >> BigInt(random.below(64));
  }
}

/** 64 bits that are a corner case as an integer, a binary64, or a binary32 (mostly NaN-boxed). */
export function cornerValue(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
    case 1:
      return integer(random);
    case 2:
    case 3:
      return float(random, DOUBLE);
    case 4:
      return BOX | float(random, SINGLE);
    default:
      // Two singles: a spoilt box unless the upper half happens to be all ones.
      return random.chance(0.5)
        ? BOX | float(random, SINGLE)
        : (float(random, SINGLE) << 32n) | float(random, SINGLE);
  }
}

/** A value that makes a corner case together with another one: the same, negated, a neighbour, or any. */
export function relatedValue(random: Random, value: bigint): bigint {
  const isSingle = value >> 32n === BOX >> 32n;
  const sign = 1n << (isSingle ? 31n : 63n);
  switch (random.below(6)) {
    case 0:
      return value;
    case 1:
      return value ^ sign;
    case 2:
      return BigInt.asUintN(64, value + 1n);
    case 3:
      return BigInt.asUintN(64, value - 1n) ^ sign;
    case 4:
      // A number near 1 of the same format: products and quotients stay at the edge.
      return isSingle
        ? BOX | (0x3f80_0000n + BigInt(random.between(-3, 3)))
        : 0x3ff0_0000_0000_0000n + BigInt(random.between(-3, 3));
    default:
      return cornerValue(random);
  }
}

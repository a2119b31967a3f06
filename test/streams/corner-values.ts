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

/** Exponent and fraction widths. */
const SINGLE = { exponent: 8, fraction: 23 } as const;
const DOUBLE = { exponent: 11, fraction: 52 } as const;
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

/** Zeros, subnormals, infinities and NaNs at the ends of the exponents; else mostly near 1 and near integers. */
function exponentBits(random: Random, width: number): number {
  const highest = (1 << width) - 1;
  const bias = highest >> 1;
  switch (random.below(6)) {
    case 0:
      return 0;
    case 1:
      return highest;
    case 2:
      return random.pick([1, 2, highest - 1, highest - 2]);
    case 3:
      return bias + random.between(-3, 3);
    case 4:
      return Math.min(bias + random.between(20, 66), highest);
    default:
      return random.between(0, highest);
  }
}

function float(random: Random, { exponent, fraction }: Shape): bigint {
  const sign = BigInt(random.below(2));
  const biased = BigInt(exponentBits(random, exponent));
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

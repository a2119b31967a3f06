/**
 * AES, SM4 and SM3 as their standards have them (FIPS 197, GB/T 32907-2016, GB/T 32905-2016), in plain integers: what
 * instructions for them are compared with. S-boxes are found by trying all inverses, products bit by bit.
 */

type Mapping = (byte: number) => number;

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

/** A product of polynomials modulo one of degree 8. */
function product(a: number, b: number, polynomial: number): number {
  let sum = 0;
  for (let bit = 7; bit >= 0; bit--) {
    sum <<= 1;
    if ((sum & 0x100) !== 0) sum ^= polynomial;
    if (((b >> bit) & 1) === 1) sum ^= a;
  }
  return sum;
}

const rotateByte = (byte: number, by: number): number => ((byte << by) | (byte >> (8 - by))) & 0xff;
const sumOfRotations = (byte: number, ...amounts: readonly number[]): number =>
  amounts.reduce((sum, by) => sum ^ rotateByte(byte, by), 0);

function boxOf(polynomial: number, before: Mapping, after: Mapping): readonly number[] {
  const inverse = (byte: number): number =>
    BYTES.find((other) => product(byte, other, polynomial) === 1) ?? 0;
  return BYTES.map((byte) => after(inverse(before(byte))));
}

const AES = 0x11b;
const AES_BOX = boxOf(
  AES,
  (byte) => byte,
  (byte) => sumOfRotations(byte, 0, 1, 2, 3, 4) ^ 0x63,
);
const AES_BACK = BYTES.map((byte) => AES_BOX.indexOf(byte));
const ofSm4: Mapping = (byte) => sumOfRotations(byte, 0, 1, 3, 6, 7) ^ 0xd3;
/** The table of GB/T 32907-2016, 6.2. */
export const SM4_BOX = boxOf(0x1f5, ofSm4, ofSm4);

const bytesOf = (value: bigint, count: number): number[] =>
  Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
const fromBytes = (bytes: readonly number[]): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** MixColumns, or its inverse: the first row of the matrix; the others are rotations of it. */
const MATRIX = { true: [2, 3, 1, 1], false: [14, 11, 13, 9] } as const;

function mixed(bytes: readonly number[], forward: boolean): number[] {
  return bytes.map((_, at) =>
    MATRIX[`${forward}`].reduce<number>(
      (sum, factor, row) => sum ^ product(factor, bytes[(at & ~3) + ((at + row) & 3)], AES),
      0,
    ),
  );
}

/** The steps of a round that are done. */
export interface AesRound {
  readonly forward: boolean;
  readonly mix: boolean;
}

/** Half of the next state of two halves. */
export function aesHalf(first: bigint, second: bigint, { forward, mix }: AesRound): bigint {
  const state = [...bytesOf(first, 8), ...bytesOf(second, 8)];
  const box = forward ? AES_BOX : AES_BACK;
  const rows = state.map((_, at) => box[state[(at + (forward ? 4 : -4) * (at & 3)) & 15]]);
  return fromBytes((mix ? mixed(rows, forward) : rows).slice(0, 8));
}

/** The term that one byte of a column adds to another word. */
export function aesByte(sum: bigint, column: bigint, byte: number, { forward, mix }: AesRound): bigint {
  const value = (forward ? AES_BOX : AES_BACK)[bytesOf(column, 4)[byte]];
  const alone = [value, 0, 0, 0];
  return sum ^ rotateLeft(fromBytes(mix ? mixed(alone, forward) : alone), 8 * byte);
}

export const aesUnmixed = (half: bigint): bigint => fromBytes(mixed(bytesOf(half, 8), false));

const ROUND_CONSTANTS = [1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36, 0];

/** The first word of a round key but for the key before, twice. */
export function aesKeyRound(key: bigint, round: number): bigint {
  const last = key >> 32n;
  const word = round === 10 ? last : rotateLeft(last, 24);
  const boxed = fromBytes(bytesOf(word, 4).map((byte) => AES_BOX[byte])) ^ BigInt(ROUND_CONSTANTS[round]);
  return (boxed << 32n) | boxed;
}

export function aesKeySums(first: bigint, second: bigint): bigint {
  const lower = (first >> 32n) ^ (second & 0xffff_ffffn);
  return ((lower ^ (second >> 32n)) << 32n) | lower;
}

function rotateLeft(word: bigint, by: number): bigint {
  return BigInt.asUintN(32, (word << BigInt(by)) | (word >> BigInt(32 - by)));
}

/** The linear transformations of rounds and of the key expansion: what a word is rotated to the left by. */
const SM4_ROTATIONS = { sm4ed: [2, 10, 18, 24], sm4ks: [13, 23] } as const;

/** Words have the bytes of the standard's in the other order. */
const swapped = (word: bigint): bigint => fromBytes(bytesOf(word, 4).reverse());

export function sm4Byte(name: keyof typeof SM4_ROTATIONS, sum: bigint, column: bigint, byte: number): bigint {
  const alone = swapped(BigInt(SM4_BOX[bytesOf(column, 4)[byte]]));
  const whole = SM4_ROTATIONS[name].reduce((all, by) => all ^ rotateLeft(alone, by), alone);
  return (sum & 0xffff_ffffn) ^ rotateLeft(swapped(whole), 8 * byte);
}

export function sm3Permutation(word: bigint, first: number, second: number): bigint {
  return word ^ rotateLeft(word, first) ^ rotateLeft(word, second);
}

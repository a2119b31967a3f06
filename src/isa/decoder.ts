import { type CompressedInstruction, compressedInstructionsFor } from './c.ts';
import type { Decoded, Extension, Instruction, Xlen } from './instruction.ts';
import type { Operands } from './operands.ts';
import { instructionsFor } from './table.ts';

/** Settings of a decoder. */
export interface DecoderOptions {
  readonly extensions: ReadonlySet<Extension>;
  readonly xlen: Xlen;
}

/**
 * Decodes the instruction at the start of 32 fetched bits; only the low 16 count when it is a compressed one.
 *
 * @returns undefined for illegal encodings. Reserved rounding modes are kept: they are illegal when executed, as a
 *   dynamic mode may be. Compressed instructions are shared objects; none may be changed.
 */
export type Decode = (bits: number) => Decoded | undefined;

interface Encoding {
  readonly match: number;
  readonly mask: number;
}

/** The encodings with the most fixed bits first, so that the first that matches is the one that counts. */
function mostSpecificFirst<E extends Encoding>(encodings: readonly E[]): E[] {
  return encodings.toSorted((a, b) => fixedBits(b) - fixedBits(a));
}

/** Counted without a string: every hart sorts hundreds of encodings when it is made. */
function fixedBits({ mask }: Encoding): number {
  const pairs = mask - ((mask >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

const compressedBySpecificity = {
  32: mostSpecificFirst(compressedInstructionsFor(32)),
  64: mostSpecificFirst(compressedInstructionsFor(64)),
};

/** The compressed encoding that 16 bits are, reserved or not; undefined if there is none. */
export function findCompressed(bits: number, xlen: Xlen): CompressedInstruction | undefined {
  return compressedBySpecificity[xlen].find(({ match, mask }) => (bits & mask) === match);
}

/** opcode[6:2], funct3 and funct7 select a bucket of the few instructions that agree with them. */
const KEY_COUNT = 1 << 15;
const KEY_BITS = 0xfe00_707c;
const keyOf = (bits: number): number =>
  ((bits >>> 17) & 0x7f00) | ((bits >>> 7) & 0xe0) | ((bits >>> 2) & 0x1f);
const bitsOfKey = (key: number): number => ((key & 0x7f00) << 17) | ((key & 0xe0) << 7) | ((key & 0x1f) << 2);

/** The lower bits of a key, opcode[6:2] and funct3, select a group, of which a bucket is a part. */
const GROUP_COUNT = 1 << 8;
const GROUP_BITS = 0x707c;

/** Those of some instructions whose fixed bits, as far as `selected` has them, are those of `bits`. */
function agreeing(
  instructions: readonly Instruction[],
  bits: number,
  selected: number,
): readonly Instruction[] {
  return instructions.filter(({ match, mask }) => ((bits ^ match) & mask & selected) === 0);
}

/** Makes a decoder for a width and a set of extensions; its tables fill as encodings are met. */
export function createDecoder({ extensions, xlen }: DecoderOptions): Decode {
  const has = (extension: Extension | undefined): boolean =>
    extension !== undefined && extensions.has(extension);
  const isSupported = ({ extension, alsoIn, alsoNeeds }: Instruction): boolean =>
    (has(extension) || has(alsoIn)) && (alsoNeeds === undefined || has(alsoNeeds));
  const decode32 = decoder32(mostSpecificFirst(instructionsFor(xlen).filter(isSupported)));
  const decode16 = decoder16(
    compressedBySpecificity[xlen].filter((one) => has(one.extension) && isSupported(one.expandsTo)),
  );
  return (bits) => ((bits & 3) === 3 ? decode32(bits >>> 0) : decode16(bits & 0xffff));
}

/** Decoded instructions of 4 bytes that are kept, each in the place that its encoding selects. */
const KEPT = 4096;

function decoder32(supported: readonly Instruction[]): Decode {
  const kept = new Array<Decoded | undefined>(KEPT).fill(undefined);
  const buckets = new Array<readonly Instruction[] | undefined>(KEY_COUNT).fill(undefined);
  const groups = new Array<readonly Instruction[] | undefined>(GROUP_COUNT).fill(undefined);
  const groupOf = (key: number): readonly Instruction[] => {
    const group = key & (GROUP_COUNT - 1);
    groups[group] ??= agreeing(supported, bitsOfKey(group), GROUP_BITS);
    return groups[group];
  };
  const fillBucket = (key: number): readonly Instruction[] => {
    const bucket = agreeing(groupOf(key), bitsOfKey(key), KEY_BITS);
    buckets[key] = bucket;
    return bucket;
  };
  const decode = (bits: number): Decoded | undefined => {
    const key = keyOf(bits);
    const bucket = buckets[key] ?? fillBucket(key);
    for (let i = 0; i < bucket.length; i++) {
      const instruction = bucket[i];
      if (((bits ^ instruction.match) & instruction.mask) === 0) {
        const { format } = instruction;
        const operands = format.decode(bits);
        return format.isReserved(operands) ? undefined : decoded(instruction, 4, bits, operands);
      }
    }
    return undefined;
  };
  return (bits) => {
    const place = Math.imul(bits, 0x9e37_79b1) >>> 20;
    const found = kept[place];
    if (found?.bits === bits) return found;
    const made = decode(bits);
    kept[place] = made;
    return made;
  };
}

function decoder16(supported: readonly CompressedInstruction[]): Decode {
  const known = new Array<Decoded | undefined>(0x1_0000).fill(undefined);
  return (bits) => {
    const cached = known[bits];
    if (cached !== undefined) return cached;
    const compressed = supported.find(({ match, mask }) => (bits & mask) === match);
    if (compressed === undefined) return undefined;
    const operands = compressed.format.decode(bits);
    if (compressed.isReserved(operands)) return undefined;
    const result = decoded(compressed.expandsTo, 2, bits, operands);
    known[bits] = result;
    return result;
  };
}

function decoded(instruction: Instruction, length: 2 | 4, bits: number, operands: Operands): Decoded {
  const { rd, rs1, rs2, rs3, imm, csr, rm } = operands;
  return { instruction, length, bits, rd, rs1, rs2, rs3, imm, csr, rm };
}

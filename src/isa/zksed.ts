import { type I32, INTEGER_LANES, i32 } from '../wasm/index.ts';
import { boxOf, substituted } from './byte-boxes.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R_BYTE } from './formats.ts';
import type { SemanticsOf } from './semantics.ts';
import { rotatedToByte, selectedByte, word, wordResult } from './words.ts';

const zksed = instructionsOf({ extension: 'zksed' });

const { i32x4 } = INTEGER_LANES;

/** Bits of a byte, and how far they are shifted to the left. */
type Part = readonly [bits: number, by: number];

/** The term that a byte adds to a word; words have their bytes in the other order than in the standard. */
const ofByte =
  (...parts: readonly Part[]): SemanticsOf =>
  (s) => {
    const box = i32x4.extract(substituted(s, boxOf('sm4'), i32x4.splat(selectedByte(s))), 0);
    const byte = s.let(i32.and(box, i32.const(0xff)));
    const shifted = ([bits, by]: Part): I32 => i32.shl(i32.and(byte, i32.const(bits)), i32.const(by));
    const sum = parts.reduce((all: I32, part) => i32.xor(all, shifted(part)), byte);
    s.rd.set(wordResult(i32.xor(rotatedToByte(s, sum), word(s.rs1))));
  };

/** Zksed: the transformations of SM4's rounds and of its key expansion (GB/T 32907-2016, 6.2 and 7.3), of a byte. */
export const zksedInstructions: readonly InstructionDefinition[] = [
  zksed('sm4ed', R_BYTE, 0x3000_0033, ofByte([0xff, 2], [0xff, 8], [0xff, 18], [0x3f, 26], [0xc0, 10])),
  zksed('sm4ks', R_BYTE, 0x3400_0033, ofByte([0x07, 29], [0xfe, 7], [0x01, 23], [0xf8, 13])),
];

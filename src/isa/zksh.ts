import { type I32, i32 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { UNARY } from './formats.ts';
import type { SemanticsOf } from './semantics.ts';
import { word, wordResult } from './words.ts';

const zksh = instructionsOf({ extension: 'zksh' });

/** A word, and its rotations to the left by two amounts. */
const permutation =
  (...rotations: readonly number[]): SemanticsOf =>
  (s) => {
    const value = s.let(word(s.rs1));
    const sum = rotations.reduce((all: I32, by) => i32.xor(all, i32.rotl(value, i32.const(by))), value);
    s.rd.set(wordResult(sum));
  };

/** Zksh: the permutations P0 and P1 of SM3 (GB/T 32905-2016, 4.4). */
export const zkshInstructions: readonly InstructionDefinition[] = [
  zksh('sm3p0', UNARY, 0x1080_1013, permutation(9, 17)),
  zksh('sm3p1', UNARY, 0x1090_1013, permutation(15, 23)),
];

import { type InstructionDefinition, instructionsOf } from './define.ts';
import { NONE, PREFETCH } from './formats.ts';
import type { SemanticsOf } from './semantics.ts';

const zihintntl = instructionsOf({ extension: 'zihintntl' });
const zicbop = instructionsOf({ extension: 'zicbop' });

const nothing: SemanticsOf = () => {};

/**
 * Hints that ask for nothing here, as there is no cache: non-temporal locality (Zihintntl) in encodings of `add x0`,
 * and prefetches (Zicbop) in those of `ori x0`, which take their places where the extension is missing.
 */
export const hintInstructions: readonly InstructionDefinition[] = [
  zihintntl('ntl.p1', NONE, 0x0020_0033, nothing),
  zihintntl('ntl.pall', NONE, 0x0030_0033, nothing),
  zihintntl('ntl.s1', NONE, 0x0040_0033, nothing),
  zihintntl('ntl.all', NONE, 0x0050_0033, nothing),
  zicbop('prefetch.i', PREFETCH, 0x0000_6013, nothing),
  zicbop('prefetch.r', PREFETCH, 0x0010_6013, nothing),
  zicbop('prefetch.w', PREFETCH, 0x0030_6013, nothing),
];

import type { InstructionDefinition } from '../define.ts';
import { bitInstructions } from './bits.ts';
import { cipherInstructions } from './ciphers.ts';
import { configurationInstructions } from './configuration.ts';
import { fixedPointInstructions } from './fixed-point.ts';
import { floatInstructions } from './float.ts';
import { floatConversionInstructions } from './float-conversions.ts';
import { ghashInstructions } from './ghash.ts';
import { hashInstructions } from './hashes.ts';
import { integerInstructions } from './integer.ts';
import { maskInstructions } from './mask.ts';
import { memoryInstructions } from './memory.ts';
import { multiplyInstructions } from './multiply.ts';
import { permutationInstructions } from './permutation.ts';
import { reductionInstructions } from './reduction.ts';

/** V of RV64, and its extensions (unprivileged specification, chapter "V"). */
export const vectorInstructions: readonly InstructionDefinition[] = [
  ...configurationInstructions,
  ...memoryInstructions,
  ...integerInstructions,
  ...multiplyInstructions,
  ...fixedPointInstructions,
  ...floatInstructions,
  ...floatConversionInstructions,
  ...reductionInstructions,
  ...maskInstructions,
  ...permutationInstructions,
  ...bitInstructions,
  ...cipherInstructions,
  ...ghashInstructions,
  ...hashInstructions,
];

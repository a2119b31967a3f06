import type { InstructionDefinition } from '../define.ts';
import { configurationInstructions } from './configuration.ts';
import { fixedPointInstructions } from './fixed-point.ts';
import { integerInstructions } from './integer.ts';
import { maskInstructions } from './mask.ts';
import { memoryInstructions } from './memory.ts';
import { multiplyInstructions } from './multiply.ts';
import { permutationInstructions } from './permutation.ts';
import { reductionInstructions } from './reduction.ts';

/** V of RV64, so far as it has nothing to do with floating point (unprivileged specification, chapter "V"). */
export const vectorInstructions: readonly InstructionDefinition[] = [
  ...configurationInstructions,
  ...memoryInstructions,
  ...integerInstructions,
  ...multiplyInstructions,
  ...fixedPointInstructions,
  ...reductionInstructions,
  ...maskInstructions,
  ...permutationInstructions,
];

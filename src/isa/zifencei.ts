import { bySystem, type InstructionDefinition, instructionsOf } from './define.ts';
import { FENCE_I } from './formats.ts';

/** Zifencei. */
export const zifenceiInstructions: readonly InstructionDefinition[] = [
  instructionsOf({ extension: 'zifencei' })('fence.i', FENCE_I, 0x0000_100f, bySystem),
];

import { bySystem, type InstructionDefinition, instructionsOf } from './define.ts';
import { NONE } from './formats.ts';

const zawrs = instructionsOf({ extension: 'zawrs' });

/** Zawrs: wait on a reservation set. */
export const zawrsInstructions: readonly InstructionDefinition[] = [
  zawrs('wrs.nto', NONE, 0x00d0_0073, bySystem),
  zawrs('wrs.sto', NONE, 0x01d0_0073, bySystem),
];

import { type InstructionDefinition, instructionsOf } from './define.ts';
import { NONE } from './formats.ts';

/** Zihintpause: a hint in the encoding of `fence`, which takes its place where the extension is missing. */
export const zihintpauseInstructions: readonly InstructionDefinition[] = [
  instructionsOf({ extension: 'zihintpause' })('pause', NONE, 0x0100_000f, ({ pause }) => pause()),
];

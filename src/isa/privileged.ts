import { bySystem, type InstructionDefinition, instructionsOf } from './define.ts';
import { ADDRESS_FENCE, NONE } from './formats.ts';

const base = instructionsOf({ extension: 'i' });
const svinval = instructionsOf({ extension: 'svinval' });

/** Machine- and supervisor-level instructions (privileged specification), with Svinval. */
export const privilegedInstructions: readonly InstructionDefinition[] = [
  base('mret', NONE, 0x3020_0073, bySystem),
  base('sret', NONE, 0x1020_0073, bySystem),
  base('wfi', NONE, 0x1050_0073, bySystem),
  base('sfence.vma', ADDRESS_FENCE, 0x1200_0073, bySystem),
  svinval('sinval.vma', ADDRESS_FENCE, 0x1600_0073, bySystem),
  svinval('sfence.w.inval', NONE, 0x1800_0073, bySystem),
  svinval('sfence.inval.ir', NONE, 0x1810_0073, bySystem),
];

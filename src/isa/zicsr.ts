import { bySystem, type InstructionDefinition, instructionsOf } from './define.ts';
import { CSR, CSR_IMMEDIATE } from './formats.ts';

const zicsr = instructionsOf({ extension: 'zicsr' });

/** Zicsr; the counters of Zicntr are read with the same instructions. */
export const zicsrInstructions: readonly InstructionDefinition[] = [
  zicsr('csrrw', CSR, 0x0000_1073, bySystem),
  zicsr('csrrs', CSR, 0x0000_2073, bySystem),
  zicsr('csrrc', CSR, 0x0000_3073, bySystem),
  zicsr('csrrwi', CSR_IMMEDIATE, 0x0000_5073, bySystem),
  zicsr('csrrsi', CSR_IMMEDIATE, 0x0000_6073, bySystem),
  zicsr('csrrci', CSR_IMMEDIATE, 0x0000_7073, bySystem),
];

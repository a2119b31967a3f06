import { bySystem, type InstructionDefinition, instructionsOf } from './define.ts';
import { CACHE_BLOCK } from './formats.ts';

const zicbom = instructionsOf({ extension: 'zicbom' });
const zicboz = instructionsOf({ extension: 'zicboz' });

/**
 * Zicbom and Zicboz (unprivileged specification, chapter "CMO"). The prefetches of Zicbop are hints.
 */
export const zicboInstructions: readonly InstructionDefinition[] = [
  zicbom('cbo.inval', CACHE_BLOCK, 0x0000_200f, bySystem),
  zicbom('cbo.clean', CACHE_BLOCK, 0x0010_200f, bySystem),
  zicbom('cbo.flush', CACHE_BLOCK, 0x0020_200f, bySystem),
  zicboz('cbo.zero', CACHE_BLOCK, 0x0040_200f, bySystem),
];

import { bySystem, type InstructionDefinition, instructionsOf } from './define.ts';
import { ADDRESS_FENCE, LOAD_PLAIN, STORE_PLAIN } from './formats.ts';

const h = instructionsOf({ extension: 'h' });
const h64 = instructionsOf({ extension: 'h', xlen: 64 });
const hSvinval = instructionsOf({ extension: 'h', alsoNeeds: 'svinval' });

/** H (privileged specification, chapter "Hypervisor Extension", "Hypervisor Instructions"). */
export const hypervisorInstructions: readonly InstructionDefinition[] = [
  h('hfence.vvma', ADDRESS_FENCE, 0x2200_0073, bySystem),
  h('hfence.gvma', ADDRESS_FENCE, 0x6200_0073, bySystem),
  hSvinval('hinval.vvma', ADDRESS_FENCE, 0x2600_0073, bySystem),
  hSvinval('hinval.gvma', ADDRESS_FENCE, 0x6600_0073, bySystem),
  h('hlv.b', LOAD_PLAIN, 0x6000_4073, bySystem),
  h('hlv.bu', LOAD_PLAIN, 0x6010_4073, bySystem),
  h('hlv.h', LOAD_PLAIN, 0x6400_4073, bySystem),
  h('hlv.hu', LOAD_PLAIN, 0x6410_4073, bySystem),
  h('hlvx.hu', LOAD_PLAIN, 0x6430_4073, bySystem),
  h('hlv.w', LOAD_PLAIN, 0x6800_4073, bySystem),
  h64('hlv.wu', LOAD_PLAIN, 0x6810_4073, bySystem),
  h('hlvx.wu', LOAD_PLAIN, 0x6830_4073, bySystem),
  h64('hlv.d', LOAD_PLAIN, 0x6c00_4073, bySystem),
  h('hsv.b', STORE_PLAIN, 0x6200_4073, bySystem),
  h('hsv.h', STORE_PLAIN, 0x6600_4073, bySystem),
  h('hsv.w', STORE_PLAIN, 0x6a00_4073, bySystem),
  h64('hsv.d', STORE_PLAIN, 0x6e00_4073, bySystem),
];

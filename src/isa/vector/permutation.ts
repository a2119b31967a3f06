import type { InstructionDefinition } from '../define.ts';
import { operation, UNMASKED } from './define.ts';
import { MOVE_X, V_TO_X_PLAIN, VU, VV, VV_PLAIN, VX } from './formats.ts';
import type { Source, SpecialShape } from './shapes.ts';

const special = (name: SpecialShape['operation'], source: Source): SpecialShape => ({
  kind: 'special',
  operation: name,
  source,
});

/** "Vector Permutation Instructions" but those of floating point. */
export const permutationInstructions: readonly InstructionDefinition[] = [
  operation('vmv.x.s', V_TO_X_PLAIN, 'mvv', 0b010000, special('vmv.x.s', 'none'), UNMASKED),
  operation('vmv.s.x', MOVE_X, 'mvx', 0b010000, special('vmv.s.x', 'x'), UNMASKED),
  operation('vslideup.vx', VX, 'ivx', 0b001110, special('vslideup', 'x')),
  operation('vslideup.vi', VU, 'ivi', 0b001110, special('vslideup', 'u')),
  operation('vslidedown.vx', VX, 'ivx', 0b001111, special('vslidedown', 'x')),
  operation('vslidedown.vi', VU, 'ivi', 0b001111, special('vslidedown', 'u')),
  operation('vslide1up.vx', VX, 'mvx', 0b001110, special('vslide1up', 'x')),
  operation('vslide1down.vx', VX, 'mvx', 0b001111, special('vslide1down', 'x')),
  operation('vrgather.vv', VV, 'ivv', 0b001100, special('vrgather', 'v')),
  operation('vrgather.vx', VX, 'ivx', 0b001100, special('vrgather', 'x')),
  operation('vrgather.vi', VU, 'ivi', 0b001100, special('vrgather', 'u')),
  operation('vrgatherei16.vv', VV, 'ivv', 0b001110, special('vrgatherei16', 'v')),
  operation('vcompress.vm', VV_PLAIN, 'mvv', 0b010111, special('vcompress', 'v'), UNMASKED),
];

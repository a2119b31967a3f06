import { vector } from './define.ts';
import { VSETIVLI, VSETVL, VSETVLI } from './formats.ts';

/** "Configuration-Setting Instructions". */
export const configurationInstructions = [
  vector('vsetvli', VSETVLI, 0x0000_7057, { kind: 'configuration', avl: 'x', type: 'i' }),
  vector('vsetivli', VSETIVLI, 0xc000_7057, { kind: 'configuration', avl: 'i', type: 'i' }),
  vector('vsetvl', VSETVL, 0x8000_7057, { kind: 'configuration', avl: 'x', type: 'x' }),
];

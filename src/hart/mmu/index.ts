export { Mmu } from './mmu.ts';
export { Pmp, type PmpRange } from './pmp.ts';
export { maskingOf, maskings } from './pointer-masking.ts';
export { UNPAGED } from './stage.ts';

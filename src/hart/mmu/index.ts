export { Mmu, type TranslationMode } from './mmu.ts';
export { Pmp, type PmpRange, type WordPair } from './pmp.ts';
export { maskingOf, maskings } from './pointer-masking.ts';
export { UNPAGED } from './stage.ts';

export { AtomicCode } from './atomic-code.ts';
export { FloatCode, type FloatFrame } from './float-code.ts';
export { countPause } from './pause-code.ts';
export { LOADS, STORE_NAMES, WORD_LOADS, WORD_STORE_NAMES } from './plain-access.ts';
export { type TlbTable, tlbOffset } from './tlb-offset.ts';

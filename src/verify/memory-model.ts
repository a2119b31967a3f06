/** What is explored: `sc`, what JavaScript guarantees; `rvwmo`, the C code on RISC-V hardware. */
export const MEMORY_MODELS = ['sc', 'rvwmo'] as const;
export type MemoryModel = (typeof MEMORY_MODELS)[number];

/** The model that is explored: `sc`, which JavaScript guarantees; `rvwmo`, the C code on RISC-V hardware. */
export const MEMORY_MODELS = ['sc', 'rvwmo'] as const;
export type MemoryModel = (typeof MEMORY_MODELS)[number];

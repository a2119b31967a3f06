export type { CodeSource } from './code-source.ts';
export { isCarriedOutElsewhere, isCompilable } from './graph.ts';
export type { HartLayout } from './hart-layout.ts';
export { type CompileOptions, type Region, RegionCompiler } from './region.ts';
export { ACCESS_CSR, VECTOR_LENGTH, VECTOR_STEP, ZERO_BLOCK } from './region-module.ts';
export { CSR_CHANGE } from './system-access.ts';

export { AtomicCode } from './atomic-code.ts';
export type { CodeSource } from './code-source.ts';
export { REGION_EXIT } from './exits.ts';
export { FloatCode, type FloatFrame } from './float-code.ts';
export { isCompilable } from './graph.ts';
export type { HartLayout } from './hart-layout.ts';
export { LOADS, STORE_NAMES } from './plain-access.ts';
export { type CompileOptions, type Region, RegionCompiler } from './region.ts';

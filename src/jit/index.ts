export type { CodeSource } from './code-source.ts';
export { REGION_EXIT } from './exits.ts';
export { type Graph, isCompilable } from './graph.ts';
export { graphFromWords, graphToWords } from './graph-words.ts';
export type { HartLayout } from './hart-layout.ts';
export {
  type CheckOptions,
  type CompileOptions,
  draftRegion,
  pagesOf,
  type Region,
  type RegionCodeBytes,
  RegionCompiler,
  type RegionDraft,
  regionOf,
} from './region.ts';

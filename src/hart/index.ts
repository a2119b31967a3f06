export { hartAreaBytes } from './area.ts';
export { Hart } from './hart.ts';
export type { HartOptions } from './hart-options.ts';
export { generateInterpreter } from './interpreter/generate.ts';
export { CSR, EXIT, type Exit, FIELD } from './layout.ts';
export { LockstepHart } from './lockstep/lockstep-hart.ts';
export type { DeviceSpace, Platform } from './platform.ts';
export type { RegionStatistics } from './region-statistics.ts';

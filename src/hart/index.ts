export { hartAreaBytes } from './area.ts';
export { CAUSE } from './exceptions.ts';
export { Hart } from './hart.ts';
export type { HartOptions } from './hart-options.ts';
export { generateInterpreter } from './interpreter/generate.ts';
export { CSR, EXIT, type Exit, FIELD } from './layout.ts';
export { LockstepHart, type LockstepOptions } from './lockstep/lockstep-hart.ts';
export type { DeviceSpace, Platform } from './platform.ts';
export { type RegionStatistics, readRegionStatistics } from './region-statistics.ts';

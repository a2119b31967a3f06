export { ACCESS, type Access, CAUSE, type Exception } from './exceptions.ts';
export { Hart, type HartOptions, hartAreaBytes } from './hart.ts';
export { generateInterpreter } from './interpreter/generate.ts';
export { CSR, EXIT, type Exit, FIELD, HART_BYTES, TLB } from './layout.ts';
export type { DeviceSpace, Platform, RamWindow } from './platform.ts';
export { HartState } from './state.ts';

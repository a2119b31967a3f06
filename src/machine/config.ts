import type { BareConfig } from './bare/config.ts';
import type { DomainConfig } from './domain/config.ts';

/** The configuration of a machine. */
export type MachineConfig = DomainConfig | BareConfig;

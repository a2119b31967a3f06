import type { BareConfig } from './bare/config.ts';
import type { DomainConfig } from './domain/config.ts';

/** What a machine is made of. */
export type MachineConfig = DomainConfig | BareConfig;

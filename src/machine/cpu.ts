import type { Xlen } from '../isa/index.ts';

/** Harts by their names, which are QEMU's: the width of their registers and addresses. */
export const CPUS: Readonly<Record<'rv32' | 'rv64', Xlen>> = { rv32: 32, rv64: 64 };

export const DEFAULT_CPU = 'rv64';

export type { Xlen };

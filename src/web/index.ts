/**
 * Machines in a page, as `hartvisor/web`: `boot(options)` gives a running {@link Vm}, with the types of `hartvisor`.
 * Below it, for machines of all kinds, is `new Machine(configuration, new WebHost(), callbacks)`. A failure is a
 * `HartvisorError`, whose message is for people and whose `code` is for programs.
 *
 * @module
 */

export * from '../api/public.ts';
export { boot, imageBlob, restore } from './boot.ts';
export type { StoredDisk } from './drives/disk-keeper.ts';
export { disks } from './drives/disks.ts';
export { checkIsolation, IsolationError } from './isolation.ts';
export { WebHost } from './web-host.ts';

/**
 * Machines in a Node program, as `hartvisor`: `boot(options)` gives a running {@link Vm}. Below it, for machines of all
 * kinds, is `new Machine(configuration, new NodeHost(), callbacks)`. A failure is a `HartvisorError`, whose message is
 * for people and whose `code` is for programs; a mistake in an option or a file is an `InputError`.
 *
 * @module
 */

import './webassembly-names.ts';

export * from '../api/public.ts';
export { boot, restore } from './api/boot.ts';
export {
  type DebianGuest,
  debianGuest,
  type FetchOptions,
  type FetchProgress,
} from './debian/debian-guest.ts';
export { connectDrives } from './drives/connect-drives.ts';
export type { DriveOptions } from './drives/drive-options.ts';
export { type OpenDrives, openDrives } from './drives/open-drives.ts';
export { type GdbPlace, GdbServer } from './gdb/gdb-server.ts';
export { type LinkOptions, type PreparedLink, prepareLink } from './network/open-link.ts';
export { type NetworkOptions, type PreparedNetwork, prepareNetwork } from './network/open-network.ts';
export { NodeHost, type ThreadModule } from './node-host.ts';
export { type OpenShares, openShares } from './shares/open-shares.ts';
export type { ShareOptions } from './shares/share-options.ts';
export { type OpenTrace, openTrace } from './trace/open-trace.ts';

/**
 * Machines in a Node program, as `hartvisor`: `new Machine(configuration, new NodeHost(), callbacks)`, then `start()`
 * and `await machine.ended`. Mistakes in a configuration or a file are `InputError`s, whose message is for people.
 *
 * @module
 */

export { type ElfFile, readElf } from '../boot/elf.ts';
export { type InitramfsOptions, initramfs } from '../boot/initramfs.ts';
export { type Kernel, readKernel } from '../boot/kernel-image.ts';
export type {
  Backends,
  ConsoleBackend,
  GuestPort,
  GuestSockets,
  GuestStream,
  PortBackend,
  StreamBackend,
  StreamEnd,
  VsockBackend,
} from '../devices/backends.ts';
export type { DriveFacts, NetworkFacts, PortFacts, ShareFacts, VsockFacts } from '../devices/descriptor.ts';
export { InputError } from '../errors/input-error.ts';
export type { BareProgram } from '../machine/bare/boot.ts';
export type { MachineConfig } from '../machine/config.ts';
export type { Engine } from '../machine/engine.ts';
export type { VcpuStats } from '../machine/kind.ts';
export {
  Machine,
  type MachineCallbacks,
  type MachineEnd,
  type MachineHost,
  type RunningThread,
} from '../machine/machine.ts';
export { DEFAULT_MAC, userNetwork } from '../network/defaults.ts';
export { type AllowRule, parseRule } from '../network/policy.ts';
export {
  type DebianGuest,
  debianGuest,
  type FetchOptions,
  type FetchProgress,
} from './debian/debian-guest.ts';
export { connectDrives } from './drives/connect-drives.ts';
export type { DriveOptions } from './drives/drive-options.ts';
export { type OpenDrives, openDrives } from './drives/open-drives.ts';
export { type LinkOptions, type PreparedLink, prepareLink } from './network/open-link.ts';
export { type NetworkOptions, type PreparedNetwork, prepareNetwork } from './network/open-network.ts';
export { NodeHost, type ThreadModule } from './node-host.ts';
export { type OpenShares, openShares } from './shares/open-shares.ts';
export type { ShareOptions } from './shares/share-options.ts';

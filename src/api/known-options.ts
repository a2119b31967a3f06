import { InputError } from '../errors/input-error.ts';
import { describeUnknownOption, type OptionNames } from '../errors/option-names.ts';
import type { BootOptions, Limits, VmDisk, VmForward, VmNetwork, VmShare } from './boot-options.ts';
import type { RestoreOptions } from './vm-image.ts';

/** The options that a restored machine has as well. */
const RESTORE: OptionNames<RestoreOptions> = {
  threads: true,
  disk: true,
  share: true,
  network: true,
  limits: true,
  engine: true,
  trace: true,
  signal: true,
  onNotice: true,
  onProgress: true,
};
const BOOT: OptionNames<BootOptions> = {
  cpus: true,
  cpu: true,
  memory: true,
  guest: true,
  kernel: true,
  initrd: true,
  append: true,
  balloon: true,
  virtio: true,
  aia: true,
  protocol: true,
  ...RESTORE,
};
const DISK: OptionNames<VmDisk> = { file: true, format: true, readOnly: true, snapshot: true, serial: true };
const SHARE: OptionNames<VmShare> = { folder: true, readOnly: true };
const FORWARD: OptionNames<VmForward> = { protocol: true, host: true, port: true, guestPort: true };
const NETWORK: OptionNames<VmNetwork> = { allow: true, forward: true, dump: true, via: true };
const LIMITS: OptionNames<Limits> = { seconds: true, cpus: true, processes: true };

/** @throws InputError for an option of `boot`, or a part of one, that does not exist */
export function checkBootOptions(options: BootOptions): void {
  checkOptions('', options, BOOT);
  checkParts(options);
}

/** @throws InputError for an option of `restore`, or a part of one, that does not exist */
export function checkRestoreOptions(options: RestoreOptions): void {
  checkOptions('', options, RESTORE);
  checkParts(options);
}

function checkParts({ disk, share = {}, network, limits }: RestoreOptions): void {
  for (const each of [disk].flat()) checkOptions('disk.', each, DISK);
  for (const [path, each] of Object.entries(share)) checkOptions(`share['${path}'].`, each, SHARE);
  checkOptions('network.', network, NETWORK);
  if (typeof network === 'object')
    for (const each of network.forward ?? []) checkOptions('network.forward.', each, FORWARD);
  checkOptions('limits.', limits, LIMITS);
}

/**
 * @param given words and switches are no options with parts
 * @throws InputError for an option that does not exist
 */
export function checkOptions(where: string, given: unknown, names: object): void {
  if (typeof given !== 'object' || given === null) return;
  const text = describeUnknownOption(where, given, names);
  if (text !== undefined) throw new InputError(text);
}

import { InputError } from '../errors/input-error.ts';
import { describeUnknownOption, type OptionNames } from '../errors/option-names.ts';
import type { BootOptions, Limits, VmDisk, VmForward, VmNetwork, VmShare } from './boot-options.ts';
import type { WaitOptions } from './vm-console.ts';
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

const WAIT: OptionNames<WaitOptions> = { signal: true };

/** @throws InputError for an option of `waitFor` that does not exist */
export function checkWaitOptions(options: WaitOptions): void {
  check('', options, WAIT);
}

/** @throws InputError for an option of `boot`, or a part of one, that does not exist */
export function checkBootOptions(options: BootOptions): void {
  check('', options, BOOT);
  checkParts(options);
}

/** @throws InputError for an option of `restore`, or a part of one, that does not exist */
export function checkRestoreOptions(options: RestoreOptions): void {
  check('', options, RESTORE);
  checkParts(options);
}

function checkParts({ disk, share = {}, network, limits }: RestoreOptions): void {
  for (const each of [disk].flat()) check('disk.', each, DISK);
  for (const [path, each] of Object.entries(share)) check(`share['${path}'].`, each, SHARE);
  check('network.', network, NETWORK);
  if (typeof network === 'object')
    for (const each of network.forward ?? []) check('network.forward.', each, FORWARD);
  check('limits.', limits, LIMITS);
}

/** Words and switches are no options with parts. */
function check(where: string, given: unknown, names: object): void {
  if (typeof given !== 'object' || given === null) return;
  const text = describeUnknownOption(where, given, names);
  if (text !== undefined) throw new InputError(text);
}

import { WORD } from '../agent/arguments.ts';
import {
  BYTES,
  checkOptions,
  either,
  LISTENER,
  listOf,
  NUMBER,
  type OptionRules,
  optionsOf,
  type Rule,
  recordOf,
  SIGNAL,
  SWITCH,
  TEXT,
  word,
} from '../errors/arguments.ts';
import type { BootOptions, Limits, VmDisk, VmForward, VmNetwork, VmShare } from './boot-options.ts';
import type { RestoreOptions } from './vm-image.ts';

// Numbers and words have bounds that depend on each other and on the host: shape.ts and the hosts look at those.
const DISK: OptionRules<VmDisk> = {
  file: TEXT,
  format: word('raw', 'qcow2'),
  readOnly: SWITCH,
  snapshot: SWITCH,
  serial: TEXT,
};
const SHARE: OptionRules<VmShare> = { folder: TEXT, readOnly: SWITCH };
const FORWARD: OptionRules<VmForward> = {
  protocol: word('tcp', 'udp'),
  host: TEXT,
  port: NUMBER,
  guestPort: NUMBER,
};
const NETWORK: OptionRules<VmNetwork> = {
  allow: listOf(TEXT, 'a list of texts'),
  forward: listOf(optionsOf(FORWARD, 'a port to forward', ['guestPort']), 'a list of ports to forward'),
  dump: TEXT,
  via: TEXT,
};
const LIMITS: OptionRules<Limits> = { seconds: NUMBER, cpus: NUMBER, processes: NUMBER };
const ONE_DISK = either(TEXT, optionsOf(DISK, 'a disk with a `file`', ['file']));
const FILE = either(TEXT, BYTES);
const NAME_OR_URL: Rule = {
  wanted: 'a name, or a URL',
  fits: (value) => typeof value === 'string' || value instanceof URL,
};

/** The options that a restored machine has as well. */
const RESTORE: OptionRules<RestoreOptions> = {
  threads: NUMBER,
  disk: either(ONE_DISK, listOf(ONE_DISK, 'a list of these')),
  share: recordOf(
    either(TEXT, optionsOf(SHARE, 'a folder with its `folder`', ['folder'])),
    'folders by their paths in the guest',
  ),
  network: either(SWITCH, optionsOf(NETWORK, 'rules')),
  limits: optionsOf(LIMITS, 'limits'),
  engine: TEXT,
  trace: either(SWITCH, TEXT),
  signal: SIGNAL,
  onNotice: LISTENER,
  onProgress: LISTENER,
};
const BOOT: OptionRules<BootOptions> = {
  cpus: NUMBER,
  cpu: TEXT,
  memory: either(NUMBER, TEXT),
  guest: word('busybox', 'debian', 'tick'),
  kernel: FILE,
  initrd: FILE,
  append: WORD,
  balloon: SWITCH,
  virtio: TEXT,
  aia: TEXT,
  protocol: NAME_OR_URL,
  ...RESTORE,
};

/** @throws InputError for an option of `boot`, or a part of one, that does not exist or is of another kind */
export function checkBootOptions(options: BootOptions): void {
  checkOptions(options, BOOT);
}

/** @throws InputError for an option of `restore`, or a part of one, that does not exist or is of another kind */
export function checkRestoreOptions(options: RestoreOptions): void {
  checkOptions(options, RESTORE);
}

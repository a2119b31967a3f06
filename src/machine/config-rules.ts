import type { ElfKernel, RawKernel } from '../boot/kernel-image.ts';
import {
  AIA,
  type AttachedParts,
  DOMAIN_AIA,
  type DriveFacts,
  type NetworkFacts,
  type PortFacts,
  type ShareFacts,
  VIRTIO_TRANSPORTS,
  type VsockFacts,
} from '../devices/descriptor.ts';
import {
  BYTES,
  byKind,
  checkArgument,
  LISTENER,
  listOf,
  NUMBER,
  OBJECT,
  type OptionRules,
  optionsOf,
  type Rule,
  SWITCH,
  TEXT,
  withMethods,
  word,
} from '../errors/arguments.ts';
import type { BareProgram, FirmwareImage } from './bare/boot.ts';
import type { BareConfig } from './bare/config.ts';
import type { CommonConfig } from './common-config.ts';
import type { MachineConfig } from './config.ts';
import type { DomainConfig } from './domain/config.ts';
import { ENGINES } from './engine.ts';
import type { MachineCallbacks, MachineHost } from './machine-host.ts';
import type { RestoreConfig } from './snapshot/draft.ts';
import type { TraceConfig } from './trace/config.ts';

// Numbers have bounds that depend on each other: the plan of the machine looks at those.
type Of<Kinds extends { readonly kind: string }, Kind extends Kinds['kind']> = Extract<
  Kinds,
  { readonly kind: Kind }
>;

const DRIVE: OptionRules<DriveFacts> = {
  ...{ name: TEXT, bytes: NUMBER, readOnly: SWITCH, serial: TEXT, anyThread: SWITCH },
};
const NETWORK: OptionRules<NetworkFacts> = { mac: NUMBER, plain: SWITCH };
const SHARE: OptionRules<ShareFacts> = { name: TEXT, tag: TEXT, readOnly: SWITCH };
const PORT: OptionRules<PortFacts> = { name: TEXT };
const VSOCK: OptionRules<VsockFacts> = { cid: NUMBER };
const TRACE: OptionRules<TraceConfig> = { records: NUMBER };

const PARTS: OptionRules<AttachedParts> = {
  drives: listOf(
    optionsOf(DRIVE, 'the facts of a drive', ['name', 'bytes', 'readOnly', 'serial']),
    'the facts of drives',
  ),
  network: optionsOf(NETWORK, 'the facts of a network', ['mac']),
  shares: listOf(
    optionsOf(SHARE, 'the facts of a folder', ['name', 'tag', 'readOnly']),
    'the facts of folders',
  ),
  ports: listOf(optionsOf(PORT, 'a port'), 'a list of ports'),
  vsock: optionsOf(VSOCK, 'the facts of a socket device', ['cid']),
  balloon: SWITCH,
  virtio: word(...VIRTIO_TRANSPORTS),
};

const OF_ALL: OptionRules<Pick<CommonConfig, 'engine' | 'trace'>> = {
  engine: word(...ENGINES),
  trace: optionsOf(TRACE, 'an object with `records`, which may be left out'),
};
const COMMON: OptionRules<CommonConfig> = {
  ...PARTS,
  ...OF_ALL,
  xlen: { wanted: '32 or 64', fits: (value) => value === 32 || value === 64 },
  extensions: listOf(TEXT, 'a list of extensions'),
  detachFiles: SWITCH,
  memoryBytes: NUMBER,
};

const RAW_KERNEL: OptionRules<RawKernel> = {
  ...{ kind: TEXT, bytes: BYTES, textOffset: NUMBER, memorySize: NUMBER },
};
const ELF_KERNEL: OptionRules<ElfKernel> = { kind: TEXT, elf: OBJECT };
const raw = optionsOf(RAW_KERNEL, '', ['bytes', 'textOffset', 'memorySize']);
const KERNEL = byKind(
  { image: raw, raw, elf: optionsOf(ELF_KERNEL, '', ['elf']) },
  'a kernel, as `readKernel` gives it',
);

const ELF_IMAGE: OptionRules<Of<FirmwareImage, 'elf'>> = { kind: TEXT, elf: OBJECT, source: TEXT };
const RAW_IMAGE: OptionRules<Of<FirmwareImage, 'raw'>> = { kind: TEXT, bytes: BYTES, source: TEXT };
const IMAGE = byKind(
  { elf: optionsOf(ELF_IMAGE, '', ['elf', 'source']), raw: optionsOf(RAW_IMAGE, '', ['bytes', 'source']) },
  'an image with its `kind`, `source`, and `elf` or `bytes`',
);

const PROGRAM: OptionRules<Of<BareProgram, 'program'>> = { kind: TEXT, image: IMAGE };
const FIRMWARE: OptionRules<Of<BareProgram, 'firmware'>> = {
  ...{ kind: TEXT, image: IMAGE, kernel: KERNEL, initrd: BYTES },
};
const BARE_PROGRAM = byKind(
  {
    program: optionsOf(PROGRAM, '', ['image']),
    firmware: optionsOf(FIRMWARE, '', ['image', 'kernel']),
  },
  'a program with its `kind` and `image`',
);

const DOMAIN: OptionRules<DomainConfig> = {
  ...COMMON,
  ...{ kind: TEXT, vcpus: NUMBER, pcpus: NUMBER, protocol: TEXT, kernel: KERNEL, initrd: BYTES },
  ...{ bootArgs: TEXT, aia: word(...DOMAIN_AIA), cpuLimit: NUMBER, debug: SWITCH },
};
const BARE: OptionRules<BareConfig> = {
  ...COMMON,
  ...{ kind: TEXT, harts: NUMBER, program: BARE_PROGRAM, bootArgs: TEXT },
  ...{ aia: word(...AIA), aiaGuests: NUMBER },
};
const RESTORED: OptionRules<RestoreConfig> = {
  ...OF_ALL,
  ...{ kind: TEXT, saved: OBJECT, debug: SWITCH, cpuLimit: NUMBER },
};
const CONFIGURATION = byKind(
  {
    domain: optionsOf(DOMAIN, '', ['vcpus', 'pcpus', 'protocol', 'kernel', 'bootArgs', 'memoryBytes']),
    bare: optionsOf(BARE, '', ['harts', 'program', 'memoryBytes']),
    restored: optionsOf(RESTORED, '', ['saved']),
  },
  'an object with the `kind` of the machine, and its parts',
);

const HOST: Rule = withMethods(['spawn'], 'a host of threads, such as `new NodeHost()`');
// The backends themselves may be objects of the program's own classes, with more in them.
const BACKEND = withMethods(['output'], 'an object with a function `output`');
const CALLBACKS: OptionRules<MachineCallbacks> = {
  console: BACKEND,
  ports: listOf(BACKEND, 'the outer ends of the ports'),
  vsock: withMethods(['connected'], 'an object with a function `connected`'),
  onNotice: LISTENER,
};

/** @throws InputError for a part of a machine that does not exist, is missing, or is of another kind */
export function checkMachine(
  config: MachineConfig | RestoreConfig,
  host: MachineHost,
  callbacks: MachineCallbacks,
): void {
  checkArgument('configuration', config, CONFIGURATION);
  checkArgument('host', host, HOST);
  checkArgument('callbacks', callbacks, optionsOf(CALLBACKS, 'an object with a `console`', ['console']));
}

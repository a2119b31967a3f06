import type {
  BootOptions,
  ForwardedPort,
  VmDisk,
  VmForward,
  VmNetwork,
  VmShare,
} from '../../api/boot-options.ts';
import type { Shape } from '../../api/shape.ts';
import type { AttachedParts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { MOST_DRIVES, MOST_SHARES } from '../../machine/parts.ts';
import { formatIpv4, LOOPBACK, parseIpv4 } from '../../network/address.ts';
import { DEFAULT_MAC, userNetwork } from '../../network/defaults.ts';
import { type AllowRule, parseRule } from '../../network/policy.ts';
import type { DriveOptions } from '../drives/drive-options.ts';
import type { OpenDrives } from '../drives/open-drives.ts';
import { serialOf } from '../drives/serial-of.ts';
import type { GuestShare } from '../guests/guest-parts.ts';
import type { Forward } from '../network/network-thread.ts';
import type { NodeHost } from '../node-host.ts';

/** What a machine has on demand: open, and known to its threads. */
export interface OpenParts {
  readonly attached: AttachedParts;
  readonly drives: readonly DriveOptions[];
  readonly shares: readonly GuestShare[];
  readonly forwards: readonly ForwardedPort[];
  /** The disks among them. */
  readonly opened: OpenDrives | undefined;
  /** What tells whether their files are as they were, for the notes of a snapshot. */
  notes(): Promise<Readonly<Record<string, string>>>;
  close(): void;
}

type Opened<Key extends keyof AttachedParts> = Pick<AttachedParts, Key> & {
  readonly forwards?: readonly ForwardedPort[];
};

/**
 * Opens the disks, folders and network of a machine.
 *
 * @param host starts the machine's threads
 * @throws InputError that says what cannot be used, and why
 */
export async function attachParts(
  options: Pick<BootOptions, 'disk' | 'share' | 'network' | 'balloon'>,
  { virtio }: Pick<Shape, 'virtio'>,
  host: NodeHost,
): Promise<OpenParts> {
  const closers: (() => void)[] = [];
  const close = () => {
    for (const each of closers.splice(0)) each();
  };
  try {
    const disks = readDisks(options, virtio);
    const shares = readShares(options, virtio);
    const drives = await connected(disks);
    const folders = await openFolders(shares, host, closers);
    const opened = await openDisks(drives, host, closers);
    const files = opened === undefined ? {} : { drives: opened.facts };
    const { forwards = [], ...network } = await openNetwork(options, host, closers);
    return {
      attached: { virtio, balloon: options.balloon === true, ...files, ...folders, ...network },
      drives,
      shares,
      forwards,
      opened,
      notes: () => notesOf(opened),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function readDisks(
  { disk = [] }: Pick<BootOptions, 'disk'>,
  virtio: Shape['virtio'],
): readonly DriveOptions[] {
  const disks: readonly (string | VmDisk)[] = Array.isArray(disk) ? disk : [disk as string | VmDisk];
  if (disks.length > MOST_DRIVES[virtio])
    throw new InputError(`disk: there are ${disks.length}; a machine has ${MOST_DRIVES[virtio]} at most.`);
  return disks.map((each) => {
    const { file, format, readOnly = false, snapshot = false, serial = serialOf(file) } = asDisk(each);
    return { file, format, readOnly, snapshot, serial };
  });
}

function asDisk(disk: string | VmDisk): VmDisk {
  return typeof disk === 'string' ? { file: disk } : disk;
}

interface NamedShare extends GuestShare {
  readonly folder: string;
}

function readShares(
  { share = {} }: Pick<BootOptions, 'share'>,
  virtio: Shape['virtio'],
): readonly NamedShare[] {
  const shares = Object.entries(share);
  if (shares.length > MOST_SHARES[virtio])
    throw new InputError(
      `share: there are ${shares.length} folders; a machine shares ${MOST_SHARES[virtio]} at most.`,
    );
  return shares.map(([path, given], index) => {
    const { folder, readOnly = false }: VmShare = typeof given === 'string' ? { folder: given } : given;
    if (!/^\/./.test(path) || path.includes('\0'))
      throw new InputError(
        `share: "${path}" is no path in the guest. Give one that begins with /, such as /work.`,
      );
    return { folder, readOnly, tag: `share${index}`, path };
  });
}

async function connected(drives: readonly DriveOptions[]): Promise<readonly DriveOptions[]> {
  if (drives.length === 0) return drives;
  const { connectDrives } = await import('../drives/connect-drives.ts');
  return connectDrives(drives);
}

async function openDisks(
  drives: readonly DriveOptions[],
  host: NodeHost,
  closers: (() => void)[],
): Promise<OpenDrives | undefined> {
  if (drives.length === 0) return undefined;
  const { openDrives } = await import('../drives/open-drives.ts');
  const opened = openDrives(drives);
  closers.push(opened.close);
  host.loadFirst(opened.module);
  return opened;
}

async function notesOf(opened: OpenDrives | undefined): Promise<Readonly<Record<string, string>>> {
  if (opened === undefined) return {};
  const { stampDrives } = await import('../drives/drive-stamps.ts');
  return stampDrives(opened);
}

async function openFolders(
  shares: readonly NamedShare[],
  host: NodeHost,
  closers: (() => void)[],
): Promise<Opened<'shares'>> {
  if (shares.length === 0) return {};
  const { openShares } = await import('../shares/open-shares.ts');
  const { facts, module, close } = openShares(shares);
  closers.push(close);
  host.loadFirst(module);
  return { shares: facts };
}

async function openNetwork(
  { network = false }: Pick<BootOptions, 'network'>,
  host: NodeHost,
  closers: (() => void)[],
): Promise<Opened<'network'>> {
  if (network === false) return {};
  const { allow, forward = [], dump }: VmNetwork = network === true ? {} : network;
  const usual = userNetwork(allow === undefined ? {} : { restrict: true, allow: allow.map(readRule) });
  const { prepareNetwork } = await import('../network/open-network.ts');
  const asked = forward.map((each) => readForward(each, usual.guest));
  const { facts, module, forwards, close } = await prepareNetwork({
    ...usual,
    ...{ mac: DEFAULT_MAC, forwards: asked, dump },
  });
  closers.push(close);
  host.loadFirst(module);
  return { network: facts, forwards: forwards.map(shown) };
}

function readRule(text: string): AllowRule {
  const rule = parseRule(text);
  if (rule !== undefined) return rule;
  throw new InputError(
    `network.allow: "${text}" allows nothing that there is. Give a name, an address or a network, and ports if you ` +
      'like: files.example.org:80, 127.0.0.1:8000-8010, 10.1.0.0/16.',
  );
}

function readForward(given: VmForward, guest: number): Forward {
  const { protocol = 'tcp', host = formatIpv4(LOOPBACK), port = 0, guestPort } = given;
  const address = parseIpv4(host);
  if (address === undefined)
    throw new InputError(`network.forward: "${host}" is no IPv4 address of the host.`);
  if (!isPort(guestPort) || !(port === 0 || isPort(port)))
    throw new InputError(
      `network.forward: ports ${port} and ${guestPort} are not possible: give 1 to 65535, and for the host 0 for a free one.`,
    );
  return { protocol, host: address, hostPort: port, guest, guestPort };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 0xffff;
}

function shown({ protocol, host, hostPort, guestPort }: Forward): ForwardedPort {
  return { protocol, host: formatIpv4(host === 0 ? LOOPBACK : host), port: hostPort, guestPort };
}

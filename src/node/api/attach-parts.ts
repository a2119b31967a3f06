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
import type { Closers } from '../closers.ts';
import type { DriveOptions } from '../drives/drive-options.ts';
import type { OpenDrives } from '../drives/open-drives.ts';
import { serialOf } from '../drives/serial-of.ts';
import { connectedDrives, giveDrives, giveNetwork, giveShares } from '../give-parts.ts';
import type { GuestShare } from '../guests/guest-parts.ts';
import type { Forward } from '../network/network-thread.ts';
import type { NetworkOptions } from '../network/open-network.ts';
import type { NodeHost } from '../node-host.ts';

/** The attached parts of a machine: open, and known to its threads. */
export interface OpenParts {
  readonly attached: AttachedParts;
  readonly drives: readonly DriveOptions[];
  readonly shares: readonly GuestShare[];
  readonly forwards: readonly ForwardedPort[];
  /** The disks among them. */
  readonly opened: OpenDrives | undefined;
  /** Marks of their files that change with them, for the notes of a snapshot. */
  notes(): Promise<Readonly<Record<string, string>>>;
}

/**
 * Opens the disks, folders and network of a machine.
 *
 * @param host starts the machine's threads
 * @throws InputError that names the part that cannot be used, and the reason
 */
export async function attachParts(
  options: Pick<BootOptions, 'disk' | 'share' | 'network' | 'balloon'>,
  { virtio }: Pick<Shape, 'virtio'>,
  host: NodeHost,
  closers: Closers,
): Promise<OpenParts> {
  const disks = readDisks(options, virtio);
  const shares = readShares(options, virtio);
  const drives = await connectedDrives(disks);
  const folders = await giveShares(shares, host, closers);
  const opened = await giveDrives(drives, host, closers);
  const wanted = readNetwork(options);
  const network = wanted && (await giveNetwork(wanted, host, closers));
  return {
    attached: {
      ...{ virtio, balloon: options.balloon === true },
      ...(opened === undefined ? {} : { drives: opened.facts }),
      ...(folders === undefined ? {} : { shares: folders }),
      ...(network === undefined ? {} : { network: network.facts }),
    },
    ...{ drives, shares, opened, notes: () => notesOf(opened) },
    forwards: network?.forwards.map(shown) ?? [],
  };
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

async function notesOf(opened: OpenDrives | undefined): Promise<Readonly<Record<string, string>>> {
  if (opened === undefined) return {};
  const { stampDrives } = await import('../drives/drive-stamps.ts');
  return stampDrives(opened);
}

/** @returns undefined for a machine without a network */
function readNetwork({ network = false }: Pick<BootOptions, 'network'>): NetworkOptions | undefined {
  if (network === false) return undefined;
  const { allow, forward = [], dump, via }: VmNetwork = network === true ? {} : network;
  if (via !== undefined)
    throw new InputError(
      `network.via: ${via} is a way out of a page. Leave it out: here is the host's network.`,
    );
  const usual = userNetwork(allow === undefined ? {} : { restrict: true, allow: allow.map(readRule) });
  const forwards = forward.map((each) => readForward(each, usual.guest));
  return { ...usual, mac: DEFAULT_MAC, forwards, dump };
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

import type { ExtraFile } from '../../boot/initramfs.ts';
import type { ShareFacts, VirtioTransportName } from '../../devices/descriptor.ts';
import type { FetchOptions } from '../debian/debian-guest.ts';
import { debianModules, MODULES_PATH } from '../debian/debian-modules.ts';
import { agentProgram } from './agent-program.ts';

/** Modules in the order in which they are loaded. */
const TRANSPORT_MODULES = { pci: [], mmio: ['virtio_mmio'] } as const;
const DISK_MODULES = ['virtio_blk', 'crc16', 'crc32c_generic', 'mbcache', 'jbd2', 'ext4'];
const NETWORK_MODULES = ['failover', 'net_failover', 'virtio_net'];
const SOCKET_MODULES = ['vsock', 'vmw_vsock_virtio_transport_common', 'vmw_vsock_virtio_transport'];
const BALLOON_MODULES = ['virtio_balloon'];
const LINK_UP = 'ip link set lo up\nip link set eth0 up\n';
const LEASE_PATH = 'etc/hartvisor/lease';
const AGENT_PATH = 'bin/hartvisor-agent';
/** Asks for five seconds at most. */
const GET_ADDRESS = `udhcpc -i eth0 -n -q -t 5 -T 1 -s /${LEASE_PATH} > /tmp/udhcpc 2>&1 || cat /tmp/udhcpc\n`;
/** Starts the agent anew when it ends, unless it says (3) that it has no port. */
const START_AGENT = `(while /${AGENT_PATH}; [ $? != 3 ]; do sleep 1; done) < /dev/null > /dev/null 2>&1 &\n`;

/** The script that udhcpc calls when something about an address has changed. */
const leaseScript = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address replace "$ip/$mask" dev "$interface"
[ -n "$router" ] && ip route replace default via "$router"
: > /etc/resolv.conf
[ -n "$domain" ] && echo "search $domain" >> /etc/resolv.conf
for server in $dns; do echo "nameserver $server" >> /etc/resolv.conf; done
[ -n "$hostname" ] && hostname "$hostname"
exit 0
`;

/** A shared folder, and where it is in the guest: `/mnt/TAG` unless that is said. */
export interface GuestShare extends Pick<ShareFacts, 'tag' | 'readOnly'> {
  readonly path?: string;
}

/** The parts of a machine that Debian's kernel has modules for. */
export interface GuestParts {
  readonly virtio: VirtioTransportName;
  readonly disks?: boolean;
  readonly network?: boolean;
  /** A network card whose network gives no addresses. */
  readonly link?: boolean;
  readonly shares?: readonly GuestShare[];
  readonly sockets?: boolean;
  readonly balloon?: boolean;
  /** The agent, for programs of the host. */
  readonly agent?: boolean;
  /** Processes and threads that there may be beside those that the kernel has at first; no bound if it is left out. */
  readonly processes?: number | undefined;
}

/** The parts that Debian's kernel with a busybox needs to use its machine: files, and commands that set them up. */
export interface GuestSetUp {
  readonly files: readonly ExtraFile[];
  readonly setUp: string;
}

/**
 * Makes a guest of Debian's kernel ready for its disks, with ext4, its network card, and its shared folders, each below
 * `/mnt`.
 *
 * @param version the kernel's release
 * @throws InputError when the kernel's modules cannot be fetched
 */
export async function guestSetUp(
  version: string,
  parts: GuestParts,
  options: FetchOptions,
): Promise<GuestSetUp> {
  const { virtio, disks = false, network = false, link = false, shares = [] } = parts;
  const { sockets = false, balloon = false } = parts;
  const names = [
    ...TRANSPORT_MODULES[virtio],
    ...(disks ? DISK_MODULES : []),
    ...(network || link ? NETWORK_MODULES : []),
    ...(sockets ? SOCKET_MODULES : []),
    ...(balloon ? BALLOON_MODULES : []),
  ];
  const modules = names.length === 0 ? [] : await debianModules(version, names, options);
  const load =
    names.length === 0
      ? ''
      : `for module in ${names.join(' ')}; do insmod /${MODULES_PATH}/$module.ko; done\n`;
  const agent = parts.agent === true ? [await agentFile()] : [];
  const setUp =
    load +
    shares.map(mount).join('') +
    (network || link ? LINK_UP : '') +
    (parts.processes === undefined ? '' : boundProcesses(parts.processes)) +
    (network ? GET_ADDRESS : '') +
    // Behind the address: the first command of a program may use the network.
    (parts.agent === true ? START_AGENT : '');
  const lease = network ? [{ path: LEASE_PATH, data: leaseScript, mode: 0o755 }] : [];
  return { files: [...modules, ...agent, ...lease], setUp };
}

async function agentFile(): Promise<ExtraFile> {
  return { path: AGENT_PATH, data: await agentProgram(), mode: 0o755 };
}

/** The kernel counts its own threads, too. */
function boundProcesses(most: number): string {
  return `echo $(($(ls -d /proc/[0-9]* | wc -l) + ${most})) > /proc/sys/kernel/threads-max\n`;
}

/** A folder whose tag is a single word. */
function mount({ tag, readOnly, path = `/mnt/${tag}` }: GuestShare): string {
  const place = quoted(path);
  return `mkdir -p ${place}; mount -t virtiofs ${readOnly ? '-o ro ' : ''}${tag} ${place}\n`;
}

/** For a shell: one word, with any content. */
function quoted(text: string): string {
  return /^[\w/.@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

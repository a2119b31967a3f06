import type { ExtraFile } from '../../boot/initramfs.ts';
import type { ShareFacts, VirtioTransportName } from '../../devices/descriptor.ts';
import type { FetchOptions } from '../debian/debian-guest.ts';
import { debianModules, MODULES_PATH } from '../debian/debian-modules.ts';

/** Modules in the order in which they are loaded. */
const TRANSPORT_MODULES = { pci: [], mmio: ['virtio_mmio'] } as const;
const DISK_MODULES = ['virtio_blk', 'crc16', 'crc32c_generic', 'mbcache', 'jbd2', 'ext4'];
const NETWORK_MODULES = ['failover', 'net_failover', 'virtio_net'];
const SOCKET_MODULES = ['vsock', 'vmw_vsock_virtio_transport_common', 'vmw_vsock_virtio_transport'];
const BALLOON_MODULES = ['virtio_balloon'];
const LINK_UP = 'ip link set lo up\nip link set eth0 up\n';
const LEASE_PATH = 'etc/hartvisor/lease';

/** What udhcpc calls when something about an address has changed. */
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
  /** A network card without anybody who gives it an address. */
  readonly link?: boolean;
  readonly shares?: readonly GuestShare[];
  readonly sockets?: boolean;
  readonly balloon?: boolean;
}

/** What Debian's kernel with a busybox needs to use the parts of its machine: files, and commands that set them up. */
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
  const begin = load + shares.map(mount).join('') + (network || link ? LINK_UP : '');
  if (!network) return { files: modules, setUp: begin };
  return {
    files: [...modules, { path: LEASE_PATH, data: leaseScript, mode: 0o755 }],
    setUp: `${begin}udhcpc -i eth0 -n -q -t 5 -T 1 -s /${LEASE_PATH} > /tmp/udhcpc 2>&1 || cat /tmp/udhcpc
`,
  };
}

/** A folder whose tag is a single word. */
function mount({ tag, readOnly, path = `/mnt/${tag}` }: GuestShare): string {
  const place = quoted(path);
  return `mkdir -p ${place}; mount -t virtiofs ${readOnly ? '-o ro ' : ''}${tag} ${place}\n`;
}

/** For a shell: one word, whatever is in it. */
function quoted(text: string): string {
  return /^[\w/.@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

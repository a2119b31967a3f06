import type { ExtraFile } from '../boot/initramfs.ts';
import type { VirtioTransportName } from '../devices/descriptor.ts';
import type { FetchOptions } from '../node/debian/debian-guest.ts';
import { debianModules, MODULES_PATH } from '../node/debian/debian-modules.ts';

/** In the order in which they are loaded. */
const MODULES = ['failover', 'net_failover', 'virtio_net'];
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

/** What Debian's kernel with a busybox needs to have a network: files, and commands that set it up. */
export interface GuestNetwork {
  readonly files: readonly ExtraFile[];
  readonly setUp: string;
}

/**
 * Makes a guest of Debian's kernel ready for its network card.
 *
 * @param version the kernel's release
 * @throws InputError when the kernel's modules cannot be fetched
 */
export async function guestNetwork(
  version: string,
  virtio: VirtioTransportName,
  options: FetchOptions,
): Promise<GuestNetwork> {
  const names = virtio === 'mmio' ? ['virtio_mmio', ...MODULES] : MODULES;
  const modules = await debianModules(version, names, options);
  return {
    files: [...modules, { path: LEASE_PATH, data: leaseScript, mode: 0o755 }],
    setUp: `for module in ${names.join(' ')}; do insmod /${MODULES_PATH}/$module.ko; done
ip link set lo up
ip link set eth0 up
udhcpc -i eth0 -n -q -t 5 -T 1 -s /${LEASE_PATH} > /tmp/udhcpc 2>&1 || cat /tmp/udhcpc
`,
  };
}

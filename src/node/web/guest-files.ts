import { readFile } from 'node:fs/promises';
import { type ExtraFile, initramfs } from '../../boot/initramfs.ts';
import { debianGuest, type FetchOptions } from '../debian/debian-guest.ts';
import { guestSetUp } from '../guests/guest-parts.ts';

/** A kernel and its initial file system. */
export interface GuestFiles {
  readonly version: string;
  readonly kernelPath: string;
  readonly initrd: Uint8Array<ArrayBuffer>;
}

/** By these the guest's PCI bus has a disk, and a network card (Virtual I/O Device 1.3, 4.1.2: 0x1040 and the type). */
const PCI = { disk: '0x1042', network: '0x1041' } as const;
/** On the kernel's command line: the card is on a cable to other machines, and nobody there gives an address. */
const LINK_WORD = 'hartvisor.link';

/**
 * Gets the files for a guest of pages. A page has no apt, so that its guest has the modules for all that a page may
 * give it, and loads those that it needs.
 *
 * @throws InputError when files cannot be had
 */
export async function guestFiles(options: FetchOptions): Promise<GuestFiles> {
  const { version, kernelPath, busyboxPath } = await debianGuest(options);
  const part = (parts: object) => guestSetUp(version, { virtio: 'pci', ...parts }, options);
  // One after the other: they share the cache of packages.
  const disk = await part({ disks: true });
  const link = await part({ link: true });
  const network = await part({ network: true });
  const agent = await part({ agent: true });
  const files = new Map<string, ExtraFile>();
  for (const { files: some } of [disk, link, network, agent])
    for (const file of some) files.set(file.path, file);
  // Callers of the agent find the disk there; an address can take some seconds.
  const setUp = `has() { cat /sys/bus/pci/devices/*/device 2> /dev/null | grep -q "$1"; }
if has ${PCI.disk}; then
${disk.setUp}fi
${agent.setUp}if has ${PCI.network}; then
if grep -q ${LINK_WORD} /proc/cmdline; then
${link.setUp}else
${network.setUp}fi
fi
`;
  const busybox = await readFile(busyboxPath);
  return { version, kernelPath, initrd: initramfs({ busybox, extraFiles: [...files.values()], setUp }) };
}

import type { BootOptions, Vm } from 'hartvisor/web';
import type { Settings } from './settings.ts';

/** The page's disk among those that the browser keeps for its origin. */
export const DISK_NAME = 'home';
/** Where the guest has it. */
export const DISK_FOLDER = '/mnt/disk';
const DISK_SIZE = '2G';
/** By which the guest knows that nobody gives it an address. */
const LINK_WORD = 'hartvisor.link';
/** Milliseconds for the guest to make and mount a file system. */
const PATIENCE_MS = 120_000;

/** A machine without these can begin with an image, which has neither. */
export function hasOutside({ disk, network }: Settings): boolean {
  return disk || network !== '';
}

/** The options for what a machine has outside. The disk is made the first time. */
export async function outsideOf({ disk, network }: Settings): Promise<Partial<BootOptions>> {
  if (disk) await ensureDisk();
  const [via, hosts] = network.startsWith('fetch:') ? ['fetch', network.slice('fetch:'.length)] : [network];
  return {
    ...(disk ? { disk: `opfs:${DISK_NAME}` } : {}),
    ...(via === '' ? {} : { network: { via, ...(hosts === undefined ? {} : { allow: hosts.split(',') }) } }),
    ...(via.startsWith('link:') ? { append: LINK_WORD } : {}),
  };
}

async function ensureDisk(): Promise<void> {
  const { disks } = await import('hartvisor/web');
  const all = await disks.list();
  if (all.some(({ name }) => name === DISK_NAME)) return;
  await disks.create(DISK_NAME, DISK_SIZE);
  // Asked for where a person has chosen to keep something; the browser may say no.
  await navigator.storage.persist?.().catch(() => false);
}

/**
 * An empty disk gets a file system; one with anything else on it is left as it is. The kernel writes what has changed
 * within a second or two: a tab can be closed at any time.
 */
const MOUNT = `mkdir -p ${DISK_FOLDER}
mount -t ext2 /dev/vda ${DISK_FOLDER} 2> /dev/null || {
  [ "$(head -c 65536 /dev/vda | tr -d '\\000' | head -c 1 | wc -c)" = 0 ] || exit 3
  mke2fs /dev/vda > /dev/null && mount -t ext2 /dev/vda ${DISK_FOLDER}
} || exit
echo 100 > /proc/sys/vm/dirty_expire_centisecs
echo 100 > /proc/sys/vm/dirty_writeback_centisecs`;

/** Mounts the disk in the guest. @returns how that went, for people */
export async function mountDisk(vm: Vm): Promise<string> {
  const { exitCode, stderr } = await vm.commands.run(MOUNT, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (exitCode === 0) return `The disk is mounted at ${DISK_FOLDER}. What is there stays in this browser.`;
  if (exitCode === 3)
    return 'The disk has something on it that is no ext2: it was left as it is, at /dev/vda.';
  return `The disk could not be mounted: ${stderr.trim()}`;
}

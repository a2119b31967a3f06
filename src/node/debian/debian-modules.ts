import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ExtraFile } from '../../boot/initramfs.ts';
import { unpackers } from '../unpackers.ts';
import { debianPackage, type FetchOptions } from './debian-guest.ts';

/** The folder of the initramfs that has the modules. */
export const MODULES_PATH = 'lib/modules';

/**
 * Modules of Debian's kernel, unpacked, for the initramfs of a guest that loads them with insmod.
 *
 * @param version the kernel's release
 * @param names without their ending, such as `virtio_net`
 * @throws InputError when the package cannot be fetched
 */
export async function debianModules(
  version: string,
  names: readonly string[],
  options: FetchOptions = {},
): Promise<readonly ExtraFile[]> {
  const members = names.map((name) => `*/${name}.ko.xz`);
  const { directory, files } = await debianPackage(`linux-image-${version}`, { ...options, members });
  const unpacked = files.map(async (file) => ({
    path: `${MODULES_PATH}/${basename(file, '.xz')}`,
    data: await unpackers.xz(await readFile(join(directory, file)), file),
  }));
  return Promise.all(unpacked);
}

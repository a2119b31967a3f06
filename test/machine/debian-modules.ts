/** Modules of Debian's kernel, to be loaded into a guest of it. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ExtraFile } from '../../src/boot/initramfs.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { type DebianGuest, debianGuest, debianPackage } from '../../src/node/debian/debian-guest.ts';
import { unpackers } from '../../src/node/unpackers.ts';

export interface DebianModules {
  readonly guest: DebianGuest;
  /** As `modules/NAME`. */
  readonly modules: readonly ExtraFile[];
}

/** Undefined, with a word why, where the packages cannot be fetched: no apt, no network, a newer kernel. */
export async function debianModules(names: readonly string[]): Promise<DebianModules | undefined> {
  try {
    const guest = await debianGuest();
    const members = names.map((name) => `*/${name}.xz`);
    const { directory, files } = await debianPackage(`linux-image-${guest.version}`, { members });
    const unpacked = files.map(async (file) => ({
      path: `modules/${basename(file, '.xz')}`,
      data: await unpackers.xz(readFileSync(join(directory, file)), file),
    }));
    return { guest, modules: await Promise.all(unpacked) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`skipped, since there are no modules of Debian's kernel. ${error.message}`);
    return undefined;
  }
}

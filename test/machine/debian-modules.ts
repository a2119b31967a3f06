/** Modules of Debian's kernel, to be loaded into a guest of it. */
import type { ExtraFile } from '../../src/boot/initramfs.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { type DebianGuest, debianGuest } from '../../src/node/debian/debian-guest.ts';
import { debianModules as modulesOf } from '../../src/node/debian/debian-modules.ts';

export interface DebianModules {
  readonly guest: DebianGuest;
  readonly modules: readonly ExtraFile[];
}

/** Undefined, with a word why, where the packages cannot be fetched: no apt, no network, a newer kernel. */
export async function debianModules(names: readonly string[]): Promise<DebianModules | undefined> {
  try {
    const guest = await debianGuest();
    return { guest, modules: await modulesOf(guest.version, names) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`skipped, since there are no modules of Debian's kernel. ${error.message}`);
    return undefined;
  }
}

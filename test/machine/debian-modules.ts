/** Modules of Debian's kernel, to be loaded into a guest of it. */
import type { ExtraFile } from '../../src/boot/initramfs.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { type DebianGuest, debianGuest } from '../../src/node/debian/debian-guest.ts';
import { MODULES_PATH, debianModules as modulesOf } from '../../src/node/debian/debian-modules.ts';

export interface DebianModules {
  readonly guest: DebianGuest;
  /** As `modules/NAME`. */
  readonly modules: readonly ExtraFile[];
}

/** Undefined, with a word why, where the packages cannot be fetched: no apt, no network, a newer kernel. */
export async function debianModules(names: readonly string[]): Promise<DebianModules | undefined> {
  try {
    const guest = await debianGuest();
    const bare = names.map((name) => name.replace(/\.ko$/, ''));
    const modules = await modulesOf(guest.version, bare);
    return {
      guest,
      modules: modules.map(({ path, data }) => ({ path: path.replace(MODULES_PATH, 'modules'), data })),
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`skipped, since there are no modules of Debian's kernel. ${error.message}`);
    return undefined;
  }
}

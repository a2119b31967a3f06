import type { BootOptions } from './boot-options.ts';
import type { Platform } from './platform.ts';
import { Vm } from './vm.ts';

/**
 * Starts a machine in its surroundings.
 *
 * @throws InputError for options and files that cannot be used; the reason of `options.signal`
 */
export async function bootOn(platform: Platform, options: BootOptions): Promise<Vm> {
  const { signal } = options;
  signal?.throwIfAborted();
  const release = platform.hold();
  try {
    const prepared = await platform.prepare(options);
    try {
      signal?.throwIfAborted();
      return Vm.start(platform, prepared, options);
    } catch (error) {
      prepared.close();
      throw error;
    }
  } finally {
    release();
  }
}

import { bootOn, restoreOn } from '../../api/boot.ts';
import type { BootOptions } from '../../api/boot-options.ts';
import type { Vm } from '../../api/vm.ts';
import type { RestoreOptions, VmImage } from '../../api/vm-image.ts';
import { nodePlatform } from './node-platform.ts';

/**
 * Starts a machine: without options, Debian's kernel with busybox on two vCPUs. Its files are fetched the first time,
 * from the archive that this host's apt uses.
 *
 * @example
 * ```ts
 * await using vm = await boot({ cpus: 2, memory: '256M' });
 * await vm.console.waitFor('~ #');
 * await vm.console.write('uname -a; poweroff\n');
 * await vm.ended;
 * ```
 *
 * @throws InputError for options and files that cannot be used; the reason of `options.signal`
 */
export function boot(options: BootOptions = {}): Promise<Vm> {
  return bootOn(nodePlatform, options);
}

/**
 * Starts a machine that was saved: any number of them from one image, each with all that the machine was and had.
 *
 * Disks, folders and the network are opened anew. They are those of the machine that the image was made from; for a
 * file they are given as for `boot`.
 *
 * @param from an image, or the name of a file with one
 * @example
 * ```ts
 * const image = await vm.snapshot();
 * await using one = await restore(image);
 * await using other = await restore(image);
 * ```
 *
 * @throws InputError for options that cannot be used; the reason of `options.signal`
 */
export function restore(from: VmImage | string, options: RestoreOptions = {}): Promise<Vm> {
  return restoreOn(nodePlatform, from, options);
}

import { bootOn, restoreOn } from '../api/boot.ts';
import type { BootOptions } from '../api/boot-options.ts';
import type { Platform } from '../api/platform.ts';
import type { Vm } from '../api/vm.ts';
import type { RestoreOptions, VmImage } from '../api/vm-image.ts';
import { checkArgument, type Rule } from '../errors/arguments.ts';
import { restoreFrom } from './restore-platform.ts';
import { webPlatform } from './web-platform.ts';

/** Also one of another copy of this module, as a bundle has it. */
const IMAGE: Rule = {
  wanted: 'an image that `snapshot` has made',
  fits: (value) =>
    typeof value === 'object' && value !== null && Symbol.iterator in value && 'options' in value,
};

/**
 * Starts a machine in this page. Files are given by addresses, which are relative to the page, or by their contents.
 *
 * @example
 * ```ts
 * const vm = await boot({ cpus: 2, kernel: 'guest/kernel', initrd: 'guest/initrd' });
 * await vm.console.waitFor('~ #');
 * await vm.console.write('uname -a\n');
 * ```
 *
 * @throws IsolationError where the page's server does not send the headers for shared memory
 * @throws InputError for options and files that cannot be used; the reason of `options.signal`
 */
export async function boot(options: BootOptions = {}): Promise<Vm> {
  return bootOn(webPlatform, options);
}

/**
 * Starts a machine that was saved: any number of them from one image, each with all that the machine was and had.
 *
 * @param from an image, a file that a person has chosen, or the address of one
 * @throws IsolationError where the page's server does not send the headers for shared memory
 * @throws InputError for options that cannot be used; the reason of `options.signal`
 */
export async function restore(from: VmImage | Blob | string, options: RestoreOptions = {}): Promise<Vm> {
  if (!(from instanceof Blob)) return restoreOn(webPlatform, from, options);
  const name = from instanceof File ? `The snapshot ${from.name}` : 'The image';
  const platform: Platform = {
    ...webPlatform,
    restore: (_, reported) => restoreFrom(from, name, reported),
  };
  return restoreOn(platform, name, options);
}

/** The bytes of an image, to be offered as a download, or kept. @throws InputError for something else */
export function imageBlob(image: VmImage): Blob {
  checkArgument('image', image, IMAGE);
  return new Blob([...image] as Uint8Array<ArrayBuffer>[], { type: 'application/octet-stream' });
}

import type { BootOptions } from '../api/boot-options.ts';
import { InputError } from '../errors/input-error.ts';

/**
 * Refuses options that programs in Node have, and pages have not.
 *
 * @throws InputError that names the other way
 */
export function refuseForPages({ share = {}, trace, protocol }: BootOptions): void {
  if (Object.keys(share).length > 0)
    throw new InputError('share: a page has no folders to share. Copy files with `vm.files`.');
  if (typeof trace === 'string')
    throw new InputError(
      'trace: a page has no files. Give true, and follow the interrupts with `vm.interrupts()`.',
    );
  if (protocol instanceof URL)
    throw new InputError('protocol: a page has the protocols of hartvisor alone. Give the name of one.');
}

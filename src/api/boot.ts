import { checkArgument, type Rule } from '../errors/arguments.ts';
import type { BootOptions } from './boot-options.ts';
import { checkBootOptions, checkRestoreOptions } from './known-options.ts';
import type { Platform, PreparedMachine } from './platform.ts';
import { checkRestoreShape } from './shape.ts';
import { Vm } from './vm.ts';
import type { RestoreOptions, VmImage } from './vm-image.ts';

/** Also an image of another copy of this module, as a bundle has it. */
const IMAGE: Rule = {
  wanted: 'an image that `snapshot` has made, or the name of a file with one',
  fits: (value) =>
    typeof value === 'string' ||
    (typeof value === 'object' && value !== null && Symbol.iterator in value && 'options' in value),
};

/**
 * Starts a machine that was saved, in its surroundings.
 *
 * @param from an image, or the name of a file with one
 * @throws InputError for options and files that cannot be used; the reason of `options.signal`
 */
export async function restoreOn(
  platform: Platform,
  from: VmImage | string,
  options: RestoreOptions,
): Promise<Vm> {
  checkArgument('from', from, IMAGE);
  checkRestoreOptions(options);
  const all = typeof from === 'string' ? options : { ...from.options, ...options };
  checkRestoreShape(all);
  return startOn(platform, all, () => platform.restore(from, all));
}

/**
 * Starts a machine in its surroundings.
 *
 * @throws InputError for options and files that cannot be used; the reason of `options.signal`
 */
export async function bootOn(platform: Platform, options: BootOptions): Promise<Vm> {
  checkBootOptions(options);
  return startOn(platform, options, () => platform.prepare(options));
}

async function startOn(
  platform: Platform,
  options: BootOptions,
  prepare: () => Promise<PreparedMachine>,
): Promise<Vm> {
  options.signal?.throwIfAborted();
  const release = platform.hold();
  try {
    return await Vm.start(platform, await prepare(), options);
  } finally {
    release();
  }
}

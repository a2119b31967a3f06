import { checkArgument, type Rule } from '../errors/arguments.ts';
import type { BootOptions } from './boot-options.ts';
import { checkBootOptions, checkRestoreOptions } from './known-options.ts';
import type { Platform, PreparedMachine } from './platform.ts';
import { reporting } from './reporting.ts';
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
 * @throws InputError for options and files that cannot be used; the error of `options.onProgress`; the reason of
 * `options.signal`
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
  return startOn(platform, all, (reported) => platform.restore(from, reported));
}

/**
 * Starts a machine in its surroundings.
 *
 * @throws InputError for options and files that cannot be used; the error of `options.onProgress`; the reason of
 * `options.signal`
 */
export async function bootOn(platform: Platform, options: BootOptions): Promise<Vm> {
  checkBootOptions(options);
  return startOn(platform, options, (reported) => platform.prepare(reported));
}

async function startOn<Options extends BootOptions>(
  platform: Platform,
  options: Options,
  prepare: (options: Options) => Promise<PreparedMachine>,
): Promise<Vm> {
  options.signal?.throwIfAborted();
  const release = platform.hold();
  try {
    const prepared = await reporting(options, prepare, (late) => late.close());
    return await Vm.start(platform, prepared, options);
  } finally {
    release();
  }
}

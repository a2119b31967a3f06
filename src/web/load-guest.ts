import type { BootOptions } from '../api/boot-options.ts';
import { linuxCommandLine } from '../boot/command-line.ts';
import { type Kernel, readKernel } from '../boot/kernel-image.ts';
import { checkInitrdSize } from '../boot/placement.ts';
import { InputError } from '../errors/input-error.ts';
import { fetchFile, LARGEST_GUEST_FILE } from './fetch-file.ts';
import { unpackers } from './unpackers.ts';

/** A guest, ready to be put into memory. */
export interface Guest {
  readonly kernel: Kernel;
  readonly initrd?: Uint8Array;
  readonly bootArgs: string;
}

/**
 * Fetches the guest that was asked for.
 *
 * @param memoryBytes that it will have
 * @throws InputError when files are missing or are not as they should be
 */
export async function loadGuest(options: BootOptions, memoryBytes: number): Promise<Guest> {
  const { kernel, initrd, append } = options;
  if (kernel === undefined)
    throw new InputError(
      'kernel: a page has no guest of its own. Give the address of a Linux kernel, or its contents.',
    );
  const [packed, files] = await Promise.all([
    contentOf(kernel, 'The kernel', options),
    initrd === undefined ? undefined : contentOf(initrd, 'The initrd', options),
  ]);
  if (files !== undefined) checkInitrdSize(memoryBytes, files.length);
  const source = typeof kernel === 'string' ? kernel : 'the kernel that was given';
  return {
    kernel: await readKernel(packed, source, unpackers, 64),
    ...(files === undefined ? {} : { initrd: files }),
    bootArgs: linuxCommandLine(append, [], 'serial'),
  };
}

/** @param given an address, or the contents */
function contentOf(
  given: string | Uint8Array<ArrayBuffer>,
  what: string,
  { signal, onProgress }: BootOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof given !== 'string') return Promise.resolve(given);
  return fetchFile(given, what, { most: LARGEST_GUEST_FILE, signal, onProgress });
}

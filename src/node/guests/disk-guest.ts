import { type DiskBoot, findBoot } from '../../boot/from-disk/find-boot.ts';
import { checkInitrdSize } from '../../boot/placement.ts';
import { InputError } from '../../errors/input-error.ts';
import { DiskError } from '../../filesystem/disk.ts';
import type { DriveOptions } from '../drives/drive-options.ts';
import { readDrive } from '../drives/read-drive.ts';

/** More than any kernel has, packed or not. */
const LARGEST_KERNEL = 2 ** 28;

/** The guest that the first disk of a machine starts. */
export interface FoundBoot extends DiskBoot {
  /** For people: the file and the place within it. */
  readonly source: string;
}

/**
 * Reads kernel, initrd and command line from a disk.
 *
 * @param memoryBytes - of the guest
 * @param demand - the person asked for this; else a disk from which nothing can be started is one for data
 * @returns undefined for such a disk
 * @throws InputError that says why nothing of the disk can be started
 */
export function bootFromDisk(drive: DriveOptions, memoryBytes: number, demand: true): FoundBoot;
export function bootFromDisk(
  drive: DriveOptions,
  memoryBytes: number,
  demand: boolean,
): FoundBoot | undefined;
export function bootFromDisk(
  drive: DriveOptions,
  memoryBytes: number,
  demand: boolean,
): FoundBoot | undefined {
  try {
    const found = readDrive(drive, (content) =>
      findBoot(content, 'vda', { kernel: LARGEST_KERNEL, initrd: memoryBytes }),
    );
    if (found.initrd !== undefined) checkInitrdSize(memoryBytes, found.initrd.length);
    return { ...found, source: `${drive.file}: ${found.name}` };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (!demand) return undefined;
    throw new InputError(
      `The drive ${drive.file} cannot be started: it ${error.message}. Give its kernel with --kernel, or have U-Boot ` +
        'start it: docs/debian.md.',
    );
  }
}

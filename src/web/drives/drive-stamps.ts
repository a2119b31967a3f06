import { InputError } from '../../errors/input-error.ts';
import type { DriveStart } from './drive-start.ts';
import { findDisk } from './kept-disks.ts';

/** Before the number of a drive, in the notes of a snapshot. */
const DRIVE = 'drive';

/** Marks of the files of drives that change with them: the size of each, and its last change or its mark. */
export async function stampDrives(starts: readonly DriveStart[]): Promise<Readonly<Record<string, string>>> {
  const stamps = await Promise.all(starts.map(stampOf));
  return Object.fromEntries(stamps.map((stamp, index) => [`${DRIVE}${index}`, stamp]));
}

/**
 * Compares the files of drives with their state when a machine was saved.
 *
 * @param notes of its snapshot; drives that they say nothing of are not looked at
 * @throws InputError for one that has changed
 */
export async function checkDrives(
  notes: Readonly<Record<string, string>>,
  starts: readonly DriveStart[],
): Promise<void> {
  const stamps = await stampDrives(starts);
  for (const [index, { file }] of starts.entries()) {
    const key = `${DRIVE}${index}`;
    if (notes[key] === undefined || notes[key] === stamps[key]) continue;
    throw new InputError(
      `The disk ${file} is not as it was when the machine was saved. The guest would destroy what is on it. Boot a machine ` +
        'with it instead.',
    );
  }
}

async function stampOf({ layer }: DriveStart): Promise<string> {
  if (layer.kind === 'remote') return `${layer.file.size}@${layer.file.mark ?? ''}`;
  const disk = await findDisk(layer.name);
  return `${disk?.bytes}@${disk?.changed}`;
}

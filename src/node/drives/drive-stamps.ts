import { fstatSync } from 'node:fs';
import { InputError } from '../../errors/input-error.ts';
import type { OpenDrive } from './drive-thread.ts';
import type { Layer } from './layers.ts';
import type { OpenDrives } from './open-drives.ts';

/** Before the number of a drive, in the notes of a snapshot. */
const DRIVE = 'drive';

/**
 * Marks of the files of drives that change with them, for the notes of a snapshot: size and time of the last
 * change of each, in the order of its layers. A server's file has a size alone.
 */
export function stampDrives(opened: OpenDrives): Readonly<Record<string, string>> {
  return Object.fromEntries(stampsOf(opened).map((stamp, index) => [`${DRIVE}${index}`, stamp]));
}

/**
 * Compares the files of drives with their state when a machine was saved.
 *
 * @param notes of its snapshot; drives that they say nothing of are not looked at
 * @throws InputError for one that has changed
 */
export function checkDrives(notes: Readonly<Record<string, string>>, opened: OpenDrives): void {
  for (const [index, now] of stampsOf(opened).entries()) {
    const before = notes[`${DRIVE}${index}`];
    if (before === undefined || before === now) continue;
    const { name } = opened.facts[index];
    const [sizes, newSizes] = [sizesOf(before), sizesOf(now)];
    const what =
      sizes === newSizes ? 'has been written to, or is a copy' : `has ${newSizes} bytes, not ${sizes}`;
    const copy =
      sizes === newSizes ? `; a true copy needs its time as well: touch -d ${timeOf(before)} FILE` : '';
    throw new InputError(
      `The drive ${name} is not as it was when the machine was saved: it ${what}. The guest would destroy what is on it. ` +
        `Restore the file as it was${copy}.`,
    );
  }
}

function stampsOf({ module }: OpenDrives): readonly string[] {
  return (module.data as readonly OpenDrive[]).map(({ layer }) => layersOf(layer).map(stampOf).join(' '));
}

function layersOf(layer: Layer): readonly Layer[] {
  return [layer, ...(layer.backing === undefined ? [] : layersOf(layer.backing))];
}

function stampOf({ source }: Layer): string {
  if (typeof source !== 'number') return `${source.size}`;
  const { size, mtimeNs } = fstatSync(source, { bigint: true });
  return `${size}@${mtimeNs}`;
}

function sizesOf(stamps: string): string {
  return stamps.replaceAll(/@\d+/g, '');
}

/** The first time in a stamp, as `touch` takes it. */
function timeOf(stamps: string): string {
  const nanoseconds = (/@(\d+)/.exec(stamps)?.[1] ?? '').padStart(10, '0');
  return `@${nanoseconds.slice(0, -9)}.${nanoseconds.slice(-9)}`;
}

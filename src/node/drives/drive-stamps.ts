import { fstatSync } from 'node:fs';
import type { OpenDrive } from './drive-thread.ts';
import type { Layer } from './layers.ts';
import type { OpenDrives } from './open-drives.ts';

/**
 * What tells whether the files of drives are still as they were: size and time of the last change of each, in the order
 * of its layers. A server's file has a size alone.
 */
export function driveStamps({ module }: OpenDrives): readonly string[] {
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

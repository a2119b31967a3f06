import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

/** What a page weighs, in bytes as they go over a line with `Content-Encoding: br`. */
export interface PageWeight {
  /** Everything that a browser fetches for `index.html` before it asks for the guest. */
  readonly first: number;
  /** All files but the guest's. */
  readonly all: number;
  /** Each of them, the heaviest first. */
  readonly files: readonly (readonly [name: string, bytes: number])[];
}

/**
 * Weighs a page that was built.
 *
 * @param isFirst whether a file is fetched before the guest: all are, unless it is given
 */
export function weightOf(folder: string, isFirst: (name: string) => boolean = () => true): PageWeight {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(folder, 'guest')))
    .map((path) => [path.slice(folder.length + 1), packedSize(path)] as const)
    .sort(([, one], [, other]) => other - one);
  const sum = (list: typeof files) => list.reduce((total, [, bytes]) => total + bytes, 0);
  return { first: sum(files.filter(([name]) => isFirst(name))), all: sum(files), files };
}

function packedSize(path: string): number {
  return brotliCompressSync(readFileSync(path)).length;
}

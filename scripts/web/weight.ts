import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

/** That of `hartvisor web`. */
const QUALITY = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

/** The weight of a page, in bytes as they go over a line with `Content-Encoding: br`. */
export interface PageWeight {
  /** All files but the guest's. */
  readonly all: number;
  /** Each of them, the heaviest first. */
  readonly files: readonly (readonly [name: string, bytes: number])[];
}

/** Weighs a page that was built. */
export function weightOf(folder: string): PageWeight {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(folder, 'guest')))
    .map((path) => [path.slice(folder.length + 1), packedSize(path)] as const)
    .sort(([, one], [, other]) => other - one);
  return { all: files.reduce((total, [, bytes]) => total + bytes, 0), files };
}

/** Bytes of a file of a page as they go over a line. */
export function packedSize(path: string): number {
  return brotliCompressSync(readFileSync(path), QUALITY).length;
}

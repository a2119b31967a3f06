import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCacheDir } from '../cache-dir.ts';
import { whyUnusable } from '../private-directory.ts';

/** Guests that are kept: those that were used last. */
const KEPT = 2;

/**
 * A folder for the files of a guest, by all that decides about them. It is in the cache directory, or in a temporary
 * one where nothing can be kept.
 *
 * @param key names all that decides about the files
 */
export function guestFolder(key: string): string {
  const cache = defaultCacheDir();
  const parent = cache && join(cache, 'page');
  if (parent === undefined || whyUnusable(parent) !== undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'hartvisor-page-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }
  const folder = join(parent, key);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const now = new Date();
  utimesSync(folder, now, now);
  prune(parent);
  return folder;
}

function prune(parent: string): void {
  const folders = readdirSync(parent).map((name) => {
    const path = join(parent, name);
    return { path, used: statSync(path).mtimeMs };
  });
  const old = folders.sort((one, other) => other.used - one.used).slice(KEPT);
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
}

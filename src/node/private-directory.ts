import { mkdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

const GROUP_MAY_WRITE = 0o020;
const OTHERS_MAY_WRITE = 0o002;
/** Of a directory: only the owner of an entry may move or remove it. */
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Looks whether the files in a directory can be trusted, and makes it, for this user alone, if it is not there: nobody
 * else but root may own it or write to it, nor put another one in its place.
 *
 * @param path - absolute
 * @returns words that follow "cannot be used"; undefined where the directory can
 */
export function whyUnusable(path: string): string | undefined {
  try {
    const [there, missing] = whatIsThere(path);
    const why = missing.length > 0 ? distrustParents(realpathSync(there)) : undefined;
    if (why !== undefined) return why;
    for (const directory of missing) makeDirectory(directory);
    return distrust(realpathSync(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return `(${String(error.code)})`;
    throw error;
  }
}

/** The part of a path that is there, and the directories below it that are not. */
function whatIsThere(path: string): [there: string, missing: string[]] {
  const missing: string[] = [];
  let there = path;
  for (; there !== dirname(there) && !isThere(there); there = dirname(there)) missing.unshift(there);
  return [there, missing];
}

/**
 * One after the other: Node's own way of making a directory with its parents does not end below /proc, where they are
 * there and nothing can be made in them.
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (!isThere(path)) throw error;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** @param path - without symbolic links */
function distrust(path: string): string | undefined {
  const status = statSync(path);
  if (!status.isDirectory()) return '(ENOTDIR)';
  if (!isTrusted(status)) return `because it belongs to another user (${status.uid})`;
  if ((status.mode & (GROUP_MAY_WRITE | OTHERS_MAY_WRITE)) !== 0) {
    return `because others may write to it (mode ${modeText(status)}): chmod go-w ${path}`;
  }
  return distrustParents(dirname(path));
}

/** The same for a directory and all above it, in which nobody else may replace a file there. */
function distrustParents(path: string): string | undefined {
  for (let parent = path; parent !== dirname(parent); parent = dirname(parent)) {
    const above = statSync(parent);
    if (!isTrusted(above)) return `because ${parent} belongs to another user (${above.uid})`;
    if ((above.mode & OTHERS_MAY_WRITE) !== 0 && (above.mode & STICKY) === 0) {
      return `because everybody may write to ${parent} (mode ${modeText(above)})`;
    }
  }
  return undefined;
}

function modeText({ mode }: Stats): string {
  return (mode & 0o7777).toString(8);
}

function isTrusted({ uid }: Stats): boolean {
  const own = process.geteuid?.();
  return own === undefined || uid === own || uid === ROOT || isOutside(uid);
}

/**
 * In a user namespace (user_namespaces(7)) all owners that it does not have show as this one, root of the system too.
 */
function isOutside(uid: number): boolean {
  try {
    if (uid !== Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1'))) return false;
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
  } catch {
    return false;
  }
}

/**
 * Reads a file of a directory that {@link whyUnusable} has nothing against.
 *
 * @returns undefined where it is not there, is no file, belongs to others or can be written by everybody
 */
export async function readPrivateFile(path: string): Promise<Buffer<ArrayBuffer> | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const status = await file.stat();
      if (!status.isFile() || !isTrusted(status) || (status.mode & OTHERS_MAY_WRITE) !== 0) return undefined;
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

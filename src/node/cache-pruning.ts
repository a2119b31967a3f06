import { lstat, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCacheDir } from './cache-dir.ts';
import { COMPILED } from './compile-cache.ts';
import { whyUnusable } from './private-directory.ts';

const MIB = 2 ** 20;
/** Milliseconds. */
const HOUR = 3_600_000;
/** Milliseconds after which files that nobody has used go, however few there are. */
const FORGOTTEN = 30 * 24 * HOUR;
/** Milliseconds from the start of a command on: until then others need the disk and the processors. */
const LATER = 3000;
/** Files that are looked at at a time. */
const WIDTH = 16;
/** When it was changed, the caches were pruned. */
const MARK = 'pruned';

/** Interpreters of checkouts, some 70 KB each. */
const INTERPRETER = /^interpreter-[0-9a-f]{16}$/;
const MOST_INTERPRETERS = 2 * MIB;
/** Bytes of compiled modules; a version of hartvisor has some 3 MB of them for each version of Node. */
const MOST_COMPILED = 64 * MIB;

interface Entry {
  readonly path: string;
  readonly bytes: number;
  /** When it was read or written last, in milliseconds since 1970; by the day, as file systems note it. */
  readonly used: number;
}

/** Prunes the caches of this user while a command that takes longer goes on; a shorter one leaves it to others. */
export function pruneCachesLater(): void {
  setTimeout(() => void pruneCaches().catch(() => undefined), LATER).unref();
}

/**
 * Removes, once an hour, interpreters and compiled modules that nobody has used for 30 days, and beyond a number of
 * bytes those that were not used for longest. Checkouts and copies of them leave 100 MB in an hour of development.
 *
 * Another process may use any of them meanwhile: it has read its file to the end or has it open, and makes anew a file
 * that it does not find. So no lock is needed, and the worst that comes of it is a slower start.
 *
 * @throws Error when the directory cannot be read or written
 */
export async function pruneCaches(cacheDir = defaultCacheDir()): Promise<void> {
  if (cacheDir === undefined || whyUnusable(cacheDir) !== undefined) return;
  const mark = join(cacheDir, MARK);
  const last = await lstat(mark).catch(() => undefined);
  if (last !== undefined && Math.abs(Date.now() - last.mtimeMs) < HOUR) return;
  await prune(await entriesOf(cacheDir, INTERPRETER), MOST_INTERPRETERS);
  await prune(await compiledModules(join(cacheDir, COMPILED)), MOST_COMPILED);
  // In the end: work that a short command did not get done is left to the next one.
  await writeFile(mark, '', { mode: 0o600 });
}

/** Node has a directory for each of its versions. */
async function compiledModules(directory: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const version of await namesIn(directory)) {
    for (const entry of await entriesOf(join(directory, version), /^/)) entries.push(entry);
  }
  return entries;
}

/** Removes forgotten files, and those that were used longest ago until the rest has so many bytes. */
async function prune(entries: readonly Entry[], mostBytes: number): Promise<void> {
  const forgotten = Date.now() - FORGOTTEN;
  let bytes = 0;
  for (const entry of entries.toSorted((one, other) => other.used - one.used)) {
    bytes += entry.bytes;
    if (bytes > mostBytes || entry.used < forgotten) await rm(entry.path, { force: true });
  }
}

/** @param name matches the names of the files */
async function entriesOf(directory: string, name: RegExp): Promise<Entry[]> {
  const names = (await namesIn(directory)).filter((each) => name.test(each));
  const entries: Entry[] = [];
  for (let first = 0; first < names.length; first += WIDTH) {
    const paths = names.slice(first, first + WIDTH).map((each) => join(directory, each));
    for (const entry of await Promise.all(paths.map(entryOf))) if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

async function entryOf(path: string): Promise<Entry | undefined> {
  // Another process may have removed it.
  const status = await lstat(path).catch(() => undefined);
  if (status?.isFile() !== true) return undefined;
  return { path, bytes: status.size, used: Math.max(status.atimeMs, status.mtimeMs) };
}

/** None, if there is no such directory. */
function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

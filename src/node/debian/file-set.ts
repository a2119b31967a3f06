import { hash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAbandoned } from '../leftovers.ts';
import { readPrivateFile } from '../private-directory.ts';

/** A file of a cached set: its path within the set, and the facts that must still hold when it is used again. */
export interface FileRecord {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** A set of files that were fetched together, as the cache has it. */
export interface FileSet {
  /** Absolute directory that holds the files. */
  readonly directory: string;
  readonly version: string;
  readonly files: readonly FileRecord[];
}

/** The set as written to disk: the directory is relative to the cache, so that a cache may be moved. */
interface Manifest {
  readonly format: 1;
  readonly directory: string;
  readonly version: string;
  readonly files: readonly FileRecord[];
}

/**
 * Reads the set named `key` from the cache and checks every byte of it.
 *
 * @returns undefined when there is none, or when a file is missing or has changed: the caller fetches it anew.
 */
export async function readFileSet(cacheDir: string, key: string): Promise<FileSet | undefined> {
  const manifest = await readManifest(cacheDir, key);
  if (manifest === undefined) return undefined;
  const directory = join(cacheDir, manifest.directory);
  for (const file of manifest.files) {
    if (!(await isIntact(join(directory, file.path), file))) return undefined;
  }
  return { directory, version: manifest.version, files: manifest.files };
}

/**
 * Puts a complete directory into the cache under `key`, in one step: a reader sees the old set or the new one. Two
 * processes that do this at once both end with a good set; the later one stays.
 *
 * @param prepared - a directory on the cache's file system; it is moved.
 * @param paths - the files that make the set, relative to `prepared`.
 */
export async function storeFileSet(
  cacheDir: string,
  key: string,
  version: string,
  prepared: string,
  paths: readonly string[],
): Promise<FileSet> {
  const files = await Promise.all(paths.map((path) => recordOf(prepared, path)));
  const unique = hash('sha256', `${process.pid} ${process.hrtime.bigint()} ${prepared}`).slice(0, 12);
  const directory = `${key}-${unique}`;
  const replaced = await readManifest(cacheDir, key);
  const replacedIsBad = replaced !== undefined && (await readFileSet(cacheDir, key)) === undefined;
  await rename(prepared, join(cacheDir, directory));
  const manifest: Manifest = { format: 1, directory, version, files };
  const temporary = join(cacheDir, partialName());
  await writeFile(temporary, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, join(cacheDir, `${key}.json`));
  // A good set stays where it is: another process may be about to read it.
  if (replacedIsBad) await rm(join(cacheDir, replaced.directory), { recursive: true, force: true });
  await removeUnnamed(cacheDir, key, [directory, replaced?.directory]);
  return { directory: join(cacheDir, directory), version, files };
}

/** The name of something unfinished, by which {@link removeAbandoned} knows whose it is. */
function partialName(): string {
  return `.partial-${process.pid}-${process.hrtime.bigint()}`;
}

/** Nobody comes back after that long to a set whose manifest was replaced, or was never written. */
const FORGOTTEN_MS = 3_600_000;

/** Removes old sets that no manifest names: those of processes that were killed, and good ones that were replaced. */
async function removeUnnamed(cacheDir: string, key: string, named: readonly unknown[]): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(`${key}-`) || !/^[0-9a-f]{12}$/.test(name.slice(key.length + 1))) continue;
    if (named.includes(name)) continue;
    const path = join(cacheDir, name);
    const changed = await stat(path).catch(() => undefined);
    if (changed !== undefined && Date.now() - changed.mtimeMs > FORGOTTEN_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

/**
 * Makes a directory of its own for unfinished work within the cache, which must exist, and removes it when the work is
 * over. Remains of processes that were killed are removed as well.
 */
export async function withWorkDirectory<T>(
  cacheDir: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  await removeAbandoned(cacheDir, /^\.partial-(\d+)-/);
  const directory = join(cacheDir, partialName());
  await mkdir(directory, { mode: 0o700 });
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readManifest(cacheDir: string, key: string): Promise<Manifest | undefined> {
  try {
    const text = await readPrivateFile(join(cacheDir, `${key}.json`));
    if (text === undefined) return undefined;
    const manifest: unknown = JSON.parse(text.toString());
    return isManifest(manifest, key) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown, key: string): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const manifest = value as Partial<Record<keyof Manifest, unknown>>;
  return (
    manifest.format === 1 &&
    typeof manifest.version === 'string' &&
    typeof manifest.directory === 'string' &&
    // The directory may be removed later: nothing outside the cache may be named here.
    manifest.directory.startsWith(`${key}-`) &&
    !manifest.directory.includes('/') &&
    Array.isArray(manifest.files) &&
    manifest.files.length > 0 &&
    manifest.files.every(isFileRecord)
  );
}

function isFileRecord(value: unknown): value is FileRecord {
  if (typeof value !== 'object' || value === null) return false;
  const file = value as Partial<Record<keyof FileRecord, unknown>>;
  return typeof file.path === 'string' && typeof file.size === 'number' && typeof file.sha256 === 'string';
}

async function recordOf(directory: string, path: string): Promise<FileRecord> {
  const data = await readFile(join(directory, path));
  return { path, size: data.length, sha256: hash('sha256', data) };
}

async function isIntact(path: string, expected: FileRecord): Promise<boolean> {
  try {
    if ((await stat(path)).size !== expected.size) return false;
    const data = await readPrivateFile(path);
    return data !== undefined && hash('sha256', data) === expected.sha256;
  } catch {
    return false;
  }
}

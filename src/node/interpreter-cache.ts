import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Xlen } from '../machine/cpu.ts';
import { defaultCacheDir } from './cache-dir.ts';
import { removeAbandoned } from './leftovers.ts';
import { readPrivateFile, whyUnusable } from './private-directory.ts';

/** The rooms whose modules decide about the interpreter's bytes. */
const ROOMS = ['codegen', 'float', 'hart', 'isa', 'jit', 'layout', 'wasm'] as const;

/** Hexadecimal digits of a SHA-256. */
const DIGITS = 64;

/**
 * The interpreter of these sources, from a cache if it is there and intact.
 *
 * @param generate - makes it anew, for harts of `xlen` bits
 * @param cacheDir - need not exist, nor be writable, nor be safe from others: then the interpreter is generated each
 * time
 */
export async function cachedInterpreter(
  generate: () => Promise<Uint8Array<ArrayBuffer>>,
  xlen: Xlen,
  cacheDir = defaultCacheDir(),
): Promise<Uint8Array<ArrayBuffer>> {
  if (cacheDir === undefined || whyUnusable(cacheDir) !== undefined) return generate();
  const sources = dirname(import.meta.dirname);
  // One file for each width and place that sources are in: a file that a change of them makes useless is replaced.
  const path = join(cacheDir, `interpreter-${hash('sha256', `${xlen} ${sources}`).slice(0, 16)}`);
  const key = hashOfSources(sources);
  const cached = await readCached(path, key);
  if (cached !== undefined) {
    await markUsed(path);
    return cached;
  }
  const bytes = await generate();
  await store(path, key, bytes, cacheDir);
  return bytes;
}

/** Of all modules that may decide, and of the one that has the options. */
function hashOfSources(sources: string): string {
  const texts = [readFileSync(join(sources, 'node', 'interpreter-module.ts'), 'utf8')];
  for (const room of ROOMS) {
    for (const path of modulesIn(join(sources, room))) texts.push(path, readFileSync(path, 'utf8'));
  }
  return hash('sha256', texts.join('\0'));
}

/** Node's own recursive listing takes longer than to read the files. */
function modulesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return modulesIn(path);
      return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
    });
}

/** The file has the sources' hash, the hash of the rest, and the module. */
async function readCached(path: string, key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = await readPrivateFile(path);
  if (file === undefined || file.toString('latin1', 0, DIGITS) !== key) return undefined;
  const bytes = new Uint8Array(file.subarray(2 * DIGITS));
  return hash('sha256', bytes) === file.toString('latin1', DIGITS, 2 * DIGITS) ? bytes : undefined;
}

/** Milliseconds. */
const DAY = 24 * 3_600_000;

/** Once a day, so that pruning does not take used files for forgotten. */
async function markUsed(path: string): Promise<void> {
  try {
    const now = new Date();
    if (now.getTime() - (await stat(path)).mtimeMs > DAY) await utimes(path, now, now);
  } catch {
    // A cache that cannot be written is no mistake.
  }
}

/** In one step, so that a reader sees the old file or the new one. A cache that cannot be written is no mistake. */
async function store(path: string, key: string, bytes: Uint8Array, cacheDir: string): Promise<void> {
  const temporary = `${path}-${process.pid}-${hash('sha256', String(process.hrtime.bigint())).slice(0, 8)}`;
  try {
    await removeAbandoned(cacheDir, /^interpreter-[0-9a-f]{16}-(\d+)-/);
    const content = Buffer.concat([Buffer.from(key + hash('sha256', bytes), 'latin1'), bytes]);
    await writeFile(temporary, content, { mode: 0o600 });
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

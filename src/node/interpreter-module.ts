import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultCacheDir } from './cache-dir.ts';

/** Limits in WebAssembly pages that the memory of every machine is within. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

/** The rooms whose modules decide what the interpreter's bytes are. */
const ROOMS = ['float', 'hart', 'isa', 'jit', 'wasm'] as const;

/** Hexadecimal digits of a SHA-256. */
const DIGITS = 64;

/**
 * The interpreter, ready to be instantiated. Generating it takes a tenth of a second, so that of a built package comes
 * with it, and that of a checkout is kept in the cache directory for as long as the sources stay the same.
 */
export async function interpreterModule(): Promise<WebAssembly.Module> {
  if (import.meta.url.endsWith('.ts')) return cachedInterpreter(defaultCacheDir());
  const built = await readFile(join(import.meta.dirname, 'interpreter.wasm')).catch(() => undefined);
  return new WebAssembly.Module(built ?? (await interpreterBytes()));
}

/**
 * The interpreter of these sources, from a cache if it is there and intact.
 *
 * @param cacheDir - need not exist, nor be writable: then the interpreter is generated
 */
export async function cachedInterpreter(cacheDir: string): Promise<WebAssembly.Module> {
  const sources = dirname(import.meta.dirname);
  // One file for each place that sources are in: what a change of them makes useless is replaced.
  const path = join(cacheDir, `interpreter-${hash('sha256', sources).slice(0, 16)}`);
  const key = hashOfSources(sources);
  const cached = await readCached(path, key);
  if (cached !== undefined) return new WebAssembly.Module(cached);
  const bytes = await interpreterBytes();
  await store(path, key, bytes, cacheDir);
  return new WebAssembly.Module(bytes);
}

/** Generates the interpreter. */
export async function interpreterBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const { generateInterpreter } = await import('../hart/interpreter/generate.ts');
  return generateInterpreter(LIMITS);
}

/** Of all modules that may decide, and of this one, which has the options. */
function hashOfSources(sources: string): string {
  const texts = [readFileSync(import.meta.filename, 'utf8')];
  for (const room of ROOMS) {
    const names = readdirSync(join(sources, room), { recursive: true, encoding: 'utf8' });
    for (const name of names.sort()) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      texts.push(room, name, readFileSync(join(sources, room, name), 'utf8'));
    }
  }
  return hash('sha256', texts.join('\0'));
}

/** The file has the sources' hash, the hash of what follows, and the module. */
async function readCached(path: string, key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = await readFile(path).catch(() => undefined);
  if (file === undefined || file.toString('latin1', 0, DIGITS) !== key) return undefined;
  const bytes = new Uint8Array(file.subarray(2 * DIGITS));
  return hash('sha256', bytes) === file.toString('latin1', DIGITS, 2 * DIGITS) ? bytes : undefined;
}

/** In one step, so that a reader sees the old file or the new one. A cache that cannot be written is no mistake. */
async function store(path: string, key: string, bytes: Uint8Array, cacheDir: string): Promise<void> {
  const temporary = `${path}-${process.pid}-${hash('sha256', String(process.hrtime.bigint())).slice(0, 8)}`;
  try {
    await mkdir(cacheDir, { recursive: true });
    await writeFile(temporary, Buffer.concat([Buffer.from(key + hash('sha256', bytes), 'latin1'), bytes]));
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

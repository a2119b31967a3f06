import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Limits in WebAssembly pages that the memory of every machine is within. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

/**
 * The interpreter, ready to be instantiated. Generating it takes a tenth of a second, so that of a built package comes
 * with it, and that of a checkout is kept in the cache directory for as long as the sources stay the same.
 */
export async function interpreterModule(): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await keptBytes());
}

async function keptBytes(): Promise<Uint8Array<ArrayBuffer>> {
  if (import.meta.url.endsWith('.ts')) {
    const { cachedInterpreter } = await import('./interpreter-cache.ts');
    return cachedInterpreter(interpreterBytes);
  }
  const built = await readFile(join(import.meta.dirname, 'interpreter.wasm')).catch(() => undefined);
  return built ?? interpreterBytes();
}

/** Generates the interpreter. */
export async function interpreterBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const { generateInterpreter } = await import('../hart/interpreter/generate.ts');
  return generateInterpreter(LIMITS);
}

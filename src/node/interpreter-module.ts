import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Xlen } from '../machine/cpu.ts';

/** Limits in WebAssembly pages that the memory of every machine is within. */
const LIMITS = { minimum: 1, maximum: 65536 } as const;

/** By width: the next machine of the process has it at once, with the machine code that V8 has optimized. */
const modules = new Map<Xlen, Promise<WebAssembly.Module>>();

/**
 * The interpreter, ready to be instantiated. Generating it takes a tenth of a second, so that of a built package comes
 * with it, and that of a checkout is kept in the cache directory for as long as the sources stay the same.
 */
export function interpreterModule(xlen: Xlen): Promise<WebAssembly.Module> {
  const known = modules.get(xlen);
  if (known !== undefined) return known;
  const module = keptBytes(xlen).then((bytes) => new WebAssembly.Module(bytes));
  modules.set(xlen, module);
  // The next machine may find what was missing.
  module.catch(() => modules.delete(xlen));
  return module;
}

async function keptBytes(xlen: Xlen): Promise<Uint8Array<ArrayBuffer>> {
  if (import.meta.url.endsWith('.ts')) {
    const { cachedInterpreter } = await import('./interpreter-cache.ts');
    return cachedInterpreter(() => interpreterBytes(xlen), xlen);
  }
  const built = await readFile(join(import.meta.dirname, interpreterFile(xlen))).catch(() => undefined);
  return built ?? interpreterBytes(xlen);
}

/** The name of the file that a built package has the interpreter of a width in. */
export function interpreterFile(xlen: Xlen): string {
  return `interpreter-rv${xlen}.wasm`;
}

/** Generates the interpreter of a width. */
export async function interpreterBytes(xlen: Xlen): Promise<Uint8Array<ArrayBuffer>> {
  const { generateInterpreter } = await import('../hart/interpreter/generate.ts');
  return generateInterpreter(LIMITS, xlen);
}

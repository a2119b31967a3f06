import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGuest, programInitramfs } from '../compile.ts';

/**
 * Compiles the soak guest's program.
 *
 * @param directory for the ELF file
 * @returns the path of the ELF file
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildSoak(directory: string): string {
  const sources = readdirSync(import.meta.dirname).filter((name) => /\.[cS]$/.test(name));
  const paths = sources.map((name) => join(import.meta.dirname, name));
  return compileGuest('soak', paths, directory);
}

/** An initramfs whose only program is that of {@link buildSoak}. */
export function soakInitramfs(elf: string): Uint8Array {
  return programInitramfs(readFileSync(elf), ['proc', 'tmp']);
}

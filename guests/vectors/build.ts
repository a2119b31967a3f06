import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGuest, programInitramfs } from '../compile.ts';

/**
 * Compiles the guest whose processes keep vectors while they are interrupted.
 *
 * @param directory for the ELF file
 * @returns an initramfs whose only program it is
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildVectors(directory: string): Uint8Array {
  const elf = compileGuest('vectors', [join(import.meta.dirname, 'vectors.c')], directory);
  return programInitramfs(readFileSync(elf), []);
}

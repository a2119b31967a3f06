import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGuest, programInitramfs } from '../compile.ts';

/** Files of the soak guest that stand in for a C library. */
const SOAK = ['start.S', 'sys.c', 'text.c', 'checks.c'];

/**
 * Compiles the guest that goes where programs seldom go.
 *
 * @param directory for the ELF file
 * @returns an initramfs whose only program it is
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildCorners(directory: string): Uint8Array {
  const own = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.c'));
  const soak = SOAK.map((name) => join(import.meta.dirname, '..', 'soak', name));
  const elf = compileGuest(
    'corners',
    [...own.map((name) => join(import.meta.dirname, name)), ...soak],
    directory,
  );
  return programInitramfs(readFileSync(elf), ['sys']);
}

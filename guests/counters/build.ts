import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGuest, programInitramfs } from '../compile.ts';

/**
 * Compiles the guest that counts with perf_event_open.
 *
 * @param directory for the ELF file
 * @returns an initramfs whose only program it is
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildCounters(directory: string): Uint8Array {
  const elf = compileGuest('counters', [join(import.meta.dirname, 'counters.c')], directory);
  return programInitramfs(readFileSync(elf), []);
}

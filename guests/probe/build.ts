import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGuest } from '../compile.ts';

/**
 * Compiles the program that asks the kernel what harts have (`riscv_hwprobe`).
 *
 * @param directory for the ELF file
 * @returns the program, without an initramfs around it
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildProbe(directory: string): Uint8Array {
  return readFileSync(compileGuest('probe', [join(import.meta.dirname, 'probe.c')], directory));
}

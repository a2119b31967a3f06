/**
 * Builds the initramfs for a 32-bit Linux (docs/guests.md): `node guests/rv32/build.ts FILE`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../src/errors/input-error.ts';
import { compileGuest, programInitramfs } from '../compile.ts';

/**
 * Compiles the first process of a 32-bit Linux.
 *
 * @param directory for the ELF file
 * @returns an initramfs whose only program it is
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildFirstProcess(directory: string): Uint8Array {
  const elf = compileGuest('rv32', [join(import.meta.dirname, 'init.c')], directory, 32);
  return programInitramfs(readFileSync(elf), []);
}

function main(file: string | undefined): void {
  if (file === undefined) throw new InputError('usage: node guests/rv32/build.ts FILE');
  const directory = mkdtempSync(join(tmpdir(), 'rv32-'));
  try {
    writeFileSync(file, buildFirstProcess(directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    main(process.argv[2]);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}

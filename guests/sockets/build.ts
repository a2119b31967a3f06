import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGuest } from '../compile.ts';

/**
 * Compiles the program for streams over AF_VSOCK.
 *
 * @param directory for the ELF file
 * @returns the program
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function buildSockets(directory: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    readFileSync(compileGuest('sockets', [join(import.meta.dirname, 'sockets.c')], directory)),
  );
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withParentDirectories, writeCpio } from '../../src/boot/cpio.ts';
import { compile } from '../compiler.ts';

/**
 * Compiles the guest program and puts it into an initramfs as its only program.
 *
 * @param directory for the ELF file
 * @returns the initramfs
 * @throws InputError when the compiler refuses
 */
export function buildInitramfs(compiler: string, directory: string): Uint8Array {
  const guest = fileURLToPath(new URL('guest', import.meta.url));
  const sources = readdirSync(guest).filter((name) => /\.[cS]$/.test(name));
  const elf = join(directory, 'init.elf');
  // The kernel maps code and data with different rights, so they must not share a page.
  const args = ['-Wl,-z,separate-code', ...sources.map((name) => join(guest, name))];
  compile(compiler, args, elf, 'bench/linux/guest');
  return writeCpio(
    withParentDirectories([
      // Without devtmpfs the kernel opens this one for /init.
      { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
      { kind: 'file', path: 'init', mode: 0o755, data: readFileSync(elf) },
    ]),
  );
}

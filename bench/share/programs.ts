/** Programs of Debian for the guest: git, the compiler proper of GCC, and the assembler, with their libraries. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ExtraFile } from '../../src/boot/initramfs.ts';
import { debianPackage } from '../../src/node/debian/debian-guest.ts';

/** Packages, the files of each that are wanted (patterns of tar), and where these go. */
const PROGRAMS = [
  ['git', ['./usr/bin/git']],
  ['cpp-14-riscv64-linux-gnu', ['*/cc1']],
  ['binutils-riscv64-linux-gnu', ['./usr/bin/riscv64-linux-gnu-as']],
] as const;

const LIBRARIES = [
  ['libc6', ['*/libc.so.6', '*/libm.so.6', '*/ld-linux-riscv64-lp64d.so.1']],
  ['libbinutils', ['*/libbfd-*.so', '*/libopcodes-*.so']],
  ['libsframe1', ['*.so.*']],
  ['libgmp10', ['*.so.*']],
  ['libmpfr6', ['*.so.*']],
  ['libmpc3', ['*.so.*']],
  ['libisl23', ['*/libisl.so.*']],
  ['libjansson4', ['*.so.*']],
  ['libpcre2-8-0', ['*.so.*']],
  ['libzstd1', ['*.so.*']],
  ['zlib1g', ['*.so.*']],
] as const;

/** Fetches them. @throws InputError when they cannot be had */
export async function guestPrograms(): Promise<readonly ExtraFile[]> {
  const programs = await filesOf(PROGRAMS, (file) => `bin/${basename(file)}`);
  // The loader looks there; a library is known by the first number of its version.
  const libraries = await filesOf(
    LIBRARIES,
    (file) => `lib/${basename(file).replace(/(\.so\.\d+)\..*$/, '$1')}`,
  );
  return [...programs, ...libraries];
}

async function filesOf(
  packages: readonly (readonly [name: string, members: readonly string[]])[],
  path: (file: string) => string,
): Promise<ExtraFile[]> {
  const found: ExtraFile[] = [];
  for (const [name, members] of packages) {
    const { directory, files } = await debianPackage(name, { members });
    for (const file of files.filter((each) => !each.endsWith('.py')))
      found.push({ path: path(file), data: readFileSync(join(directory, file)), mode: 0o755 });
  }
  return found;
}

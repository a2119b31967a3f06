import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type CpioEntry, withParentDirectories, writeCpio } from '../src/boot/cpio.ts';
import { InputError } from '../src/errors/input-error.ts';
import type { Xlen } from '../src/machine/cpu.ts';

const COMPILER = 'riscv64-linux-gnu-gcc';

/** Without a C library; of the compiler's own, only what divides 128-bit numbers and the like. */
const FLAGS = [
  ...['-O2', '-g', '-std=gnu17', '-Wall', '-Wextra', '-Wno-parentheses', '-Werror'],
  ...[
    '-mcmodel=medany',
    '-ffreestanding',
    '-fno-math-errno',
    '-ffp-contract=off',
    '-fno-pic',
    '-no-pie',
    '-fno-stack-protector',
  ],
  // Otherwise gcc finds that the loop of memcpy is a memcpy, and calls it.
  ...['-fno-tree-loop-distribute-patterns', '-fno-asynchronous-unwind-tables'],
  // The kernel maps code and data with different rights, so they must not share a page.
  ...['-nostdlib', '-static', '-Wl,--build-id=none', '-Wl,-z,separate-code'],
];

const WIDTHS: Readonly<Record<Xlen, readonly string[]>> = {
  32: ['-march=rv32gc', '-mabi=ilp32d'],
  // Debian's compiler has its library for this width only.
  64: ['-march=rv64gc_zba_zbb_zbs', '-mabi=lp64d', '-lgcc'],
};

/** Whether the compiler that {@link compileGuest} needs can be run here. */
export function hasCompiler(): boolean {
  return spawnSync(COMPILER, ['--version']).status === 0;
}

/**
 * Compiles a program for Linux guests.
 *
 * @param name of the guest: its folder here, and that of the ELF file
 * @param directory for the ELF file
 * @param xlen width of the harts that run it
 * @returns the path of the ELF file
 * @throws InputError when the compiler is missing, or finds an error or a warning
 */
export function compileGuest(
  name: string,
  sources: readonly string[],
  directory: string,
  xlen: Xlen = 64,
): string {
  if (!hasCompiler()) {
    throw new InputError(
      `The ${name} guest is compiled from C, but ${COMPILER} cannot be run here. ` +
        "Install Debian's gcc-riscv64-linux-gnu.",
    );
  }
  const elf = join(directory, `${name}.elf`);
  const words = [...FLAGS, ...sources, ...WIDTHS[xlen], '-o', elf];
  const result = spawnSync(COMPILER, words, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new InputError(`${COMPILER} could not compile guests/${name}:\n${result.stderr}`);
  }
  return elf;
}

/** An initramfs whose only program is `init`, with some empty directories. */
export function programInitramfs(init: Uint8Array, directories: readonly string[]): Uint8Array {
  const empty = directories.map((path): CpioEntry => ({ kind: 'directory', path, mode: 0o755 }));
  return writeCpio(
    withParentDirectories([
      // Without devtmpfs the kernel opens this one for /init.
      { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
      ...empty,
      { kind: 'file', path: 'init', mode: 0o755, data: init },
    ]),
  );
}

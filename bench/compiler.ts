import { spawnSync } from 'node:child_process';
import { InputError } from '../src/errors/input-error.ts';
import type { Xlen } from '../src/machine/cpu.ts';

/** Debian's packages gcc-riscv64-linux-gnu and gcc-riscv64-unknown-elf. Nothing of their libraries is used. */
const usualCompilers = ['riscv64-linux-gnu-gcc', 'riscv64-unknown-elf-gcc'];

const widthFlags: Readonly<Record<Xlen, readonly string[]>> = {
  32: ['-march=rv32gc', '-mabi=ilp32d'],
  64: ['-march=rv64gc', '-mabi=lp64d'],
};

/** For guests without a C library, of both widths. */
const guestFlags: readonly string[] = [
  ...['-O2', '-std=gnu17', '-Wall', '-Wextra', '-Werror'],
  ...['-mcmodel=medany', '-ffreestanding', '-fno-builtin', '-fno-math-errno', '-fno-pic', '-no-pie'],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables'],
  // Otherwise gcc finds that the loop of memcpy is a memcpy, and calls it.
  '-fno-tree-loop-distribute-patterns',
  ...['-nostdlib', '-static', '-Wl,--build-id=none'],
];

/**
 * The compiler for RISC-V.
 *
 * @param chosen by a person; undefined takes the first of Debian's that is there
 * @throws InputError when there is none
 */
export function findCompiler(chosen: string | undefined): string {
  const candidates = chosen === undefined ? usualCompilers : [chosen];
  const found = candidates.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found !== undefined) return found;
  throw new InputError(
    `The benchmark compiles C sources, but ${candidates.join(' and ')} cannot be run here. ` +
      'Install gcc-riscv64-linux-gnu (Debian, Ubuntu), or name a compiler with --cc.',
  );
}

/**
 * Compiles sources into an ELF file.
 *
 * @param what is compiled, for messages
 * @param march in place of the usual one of the width
 * @throws InputError when the compiler refuses
 */
export function compile(
  compiler: string,
  args: readonly string[],
  elf: string,
  what: string,
  xlen: Xlen = 64,
  march?: string,
): void {
  const more = march === undefined ? [] : [`-march=${march}`];
  const words = [...guestFlags, ...args, ...widthFlags[xlen], ...more, '-o', elf];
  const result = spawnSync(compiler, words, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new InputError(`${compiler} could not compile ${what}:\n${result.stderr}`);
  }
}

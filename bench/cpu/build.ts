import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../../src/errors/input-error.ts';
import type { Kernel } from './kernels.ts';

/** Debian's packages gcc-riscv64-linux-gnu and gcc-riscv64-unknown-elf. Kernels use nothing of their libraries. */
const usualCompilers = ['riscv64-linux-gnu-gcc', 'riscv64-unknown-elf-gcc'];

const machineFlags = ['-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany'];
const flags = [
  ...['-O2', '-std=gnu17', '-Wall', '-Wextra', '-Werror', ...machineFlags],
  ...['-ffreestanding', '-fno-builtin', '-fno-math-errno', '-fno-pic', '-no-pie'],
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
    `The CPU kernels are C sources, but ${candidates.join(' and ')} cannot be run here. ` +
      'Install gcc-riscv64-linux-gnu (Debian, Ubuntu), or name a compiler with --cc.',
  );
}

/**
 * Compiles a kernel.
 *
 * @returns the path of the ELF file
 * @throws InputError when the compiler refuses
 */
export function buildKernel(compiler: string, kernel: Kernel, directory: string): string {
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const elf = join(directory, `${kernel.name}.elf`);
  const args = [
    ...flags,
    ...Object.entries(kernel.defines).map(([name, value]) => `-D${name}=${value}`),
    ...['-I', file('runtime'), '-T', file('runtime/link.ld')],
    ...[file('runtime/start.S'), file('runtime/runtime.c'), file(`kernels/${kernel.source}.c`)],
    ...['-lgcc', '-o', elf],
  ];
  const result = spawnSync(compiler, args, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new InputError(
      `${compiler} could not compile bench/cpu/kernels/${kernel.source}.c:\n${result.stderr}`,
    );
  }
  return elf;
}

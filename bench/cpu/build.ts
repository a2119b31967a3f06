import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Xlen } from '../../src/machine/cpu.ts';
import { compile } from '../compiler.ts';
import type { Kernel } from './kernels.ts';

/**
 * Compiles a kernel.
 *
 * @param times how often the program does the kernel's work
 * @param xlen width of the harts that run it
 * @returns the path of the ELF file
 * @throws InputError when the compiler refuses
 */
export function buildKernel(
  compiler: string,
  kernel: Kernel,
  times: number,
  directory: string,
  xlen: Xlen = 64,
): string {
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const elf = join(directory, `${kernel.name}.elf`);
  const args = [
    ...Object.entries({ ...kernel.defines, TIMES: times }).map(([name, value]) => `-D${name}=${value}`),
    ...['-I', file('runtime'), '-T', file('runtime/link.ld')],
    ...['start.S', 'runtime.c', 'divide.c', 'lower.S', 'lower.c'].map((name) => file(`runtime/${name}`)),
    file(`kernels/${kernel.source}.c`),
  ];
  compile(compiler, args, elf, `bench/cpu/kernels/${kernel.source}.c`, xlen, kernel.march);
  return elf;
}

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withParentDirectories, writeCpio } from '../../../src/boot/cpio.ts';
import { InputError } from '../../../src/errors/input-error.ts';
import { KERNELS } from './works.ts';

/** A kind of guest, and how C is compiled for it. */
export interface Target {
  readonly name: 'riscv64' | 'i386';
  readonly compiler: string;
  readonly flags: readonly string[];
}

export const riscv64 = (compiler: string): Target => ({
  ...{ name: 'riscv64', compiler },
  flags: ['-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany'],
});

/** With SSE2 for numbers in floating point, which v86 has: it is faster there than the i387 of Debian's baseline. */
export const i386 = (compiler: string): Target => ({
  ...{ name: 'i386', compiler },
  flags: ['-m32', '-march=pentium4', '-mfpmath=sse'],
});

/** Without a C library, as `bench/compiler.ts` has them. */
const FLAGS = [
  ...[
    '-O2',
    '-std=gnu17',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-ffreestanding',
    '-fno-builtin',
    '-fno-math-errno',
  ],
  ...['-fno-pic', '-fno-stack-protector', '-fno-asynchronous-unwind-tables'],
  // Checksums have to be the same: only RISC-V multiplies and adds in one rounding, and has characters without a sign.
  ...['-fno-tree-loop-distribute-patterns', '-ffp-contract=off', '-funsigned-char'],
];

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const CPU = path('../../cpu/');

/**
 * Compiles the guest's program, and puts it into an initramfs as its only one.
 *
 * @param directory for what the compiler writes
 * @throws InputError when the compiler cannot be run, or refuses
 */
export function buildInitramfs(target: Target, directory: string): Uint8Array {
  const file = (name: string) => join(directory, `${target.name}-${name}`);
  const include = ['-I', join(CPU, 'runtime')];
  const objects = KERNELS.map((name) => {
    const source = join(CPU, 'kernels', `${name}.c`);
    compile(target, [...include, `-Drun=run_${name}`, '-c', source, '-o', file(`${name}.o`)]);
    return file(`${name}.o`);
  });
  const sources = readdirSync(path('guest')).filter((name) => name.endsWith('.c'));
  compile(target, [
    ...[...include, `-DKERNELS=${KERNELS.map((name) => `KERNEL(${name})`).join(' ')}`],
    ...['-no-pie', '-nostdlib', '-static', '-Wl,--build-id=none', '-Wl,-z,separate-code'],
    ...[...objects, ...sources.map((name) => join(path('guest'), name)), join(CPU, 'runtime', 'divide.c')],
    ...['-o', file('init')],
  ]);
  return writeCpio(
    withParentDirectories([
      // Without devtmpfs the kernel opens this one for /init.
      { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
      { kind: 'file', path: 'init', mode: 0o755, data: readFileSync(file('init')) },
    ]),
  );
}

function compile({ name, compiler, flags }: Target, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(compiler, [...FLAGS, ...flags, ...args], { encoding: 'utf8' });
  if (status === 0) return;
  throw new InputError(
    error === undefined
      ? `${compiler} could not compile the guest's program for ${name}:\n${stderr}`
      : `The guest's program for ${name} is compiled by ${compiler}, which cannot be run here: ${error.message}`,
  );
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readElf } from '../src/boot/elf.ts';
import { InputError } from '../src/errors/input-error.ts';
import { findCompiler } from './compiler.ts';
import { buildKernel } from './cpu/build.ts';
import { kernels } from './cpu/kernels.ts';
import { buildInitramfs } from './linux/build.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const hasCompiler = spawnSync('riscv64-linux-gnu-gcc', ['--version']).status === 0;
const sources = kernels.filter(
  ({ source }, index) => kernels.findIndex((k) => k.source === source) === index,
);

test('a compiler that is not there is a mistake of the user', () => {
  expect(() => findCompiler('/nowhere/gcc')).toThrow(InputError);
  expect(() => findCompiler('/nowhere/gcc')).toThrow(/\/nowhere\/gcc cannot be run here/);
});

test.runIf(hasCompiler).each(sources)('kernel $name compiles', (kernel) => {
  using directory = temporaryDirectory('test');
  expect(() => buildKernel(findCompiler(undefined), kernel, 1, directory.path)).not.toThrow();
});

test.runIf(hasCompiler).each(sources)('kernel $name compiles for RV32', (kernel) => {
  using directory = temporaryDirectory('test');
  const elf = buildKernel(findCompiler(undefined), kernel, 1, directory.path, 32);
  expect(readElf(readFileSync(elf), elf).bits).toBe(32);
});

test.runIf(hasCompiler)('the Linux guest compiles, and is an archive with /init', () => {
  using directory = temporaryDirectory('test');
  const archive = Buffer.from(buildInitramfs(findCompiler(undefined), directory.path));
  expect(archive.subarray(0, 6).toString()).toBe('070701');
  expect(archive.includes('init\0')).toBe(true);
  expect(archive.includes('\x7fELF')).toBe(true);
});

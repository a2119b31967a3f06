import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../bench/temporary-directory.ts';
import { readElf } from '../../src/boot/elf.ts';
import { hasCompiler } from '../compile.ts';
import { buildFirstProcess } from './build.ts';

test.runIf(hasCompiler())('the first process of a 32-bit Linux is an archive with /init for 32 bits', () => {
  using directory = temporaryDirectory('test');
  const archive = Buffer.from(buildFirstProcess(directory.path));
  expect(archive.subarray(0, 6).toString()).toBe('070701');
  expect(archive.includes('init\0')).toBe(true);
  const elf = readElf(new Uint8Array(archive.subarray(archive.indexOf('\x7fELF'))), 'init');
  expect([elf.bits, elf.machine]).toEqual([32, 243]);
});

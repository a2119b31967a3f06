import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readInputFile, writeOutputFile } from './files.ts';

let directory: string;
const inside = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hartvisor-files-'));
  writeFileSync(inside('full'), 'content');
  writeFileSync(inside('empty'), '');
  symlinkSync('loop', inside('loop'));
});

afterAll(() => rmSync(directory, { recursive: true }));

test('a file is read whole, into memory of its own', async () => {
  const bytes = await readInputFile(inside('full'), 'The kernel', '--kernel');
  expect(new TextDecoder().decode(bytes)).toBe('content');
  expect(bytes.buffer.byteLength).toBe(7);
});

test.each([
  ['missing', 'cannot be read: there is no such file or directory.'],
  ['full/below', 'cannot be read: a part of the path is a file, not a directory.'],
  ['.', 'is a directory. Give a file with --kernel.'],
  ['empty', 'is empty. Fetch, copy or build it again.'],
  ['loop', 'cannot be read: a symbolic link leads back to itself.'],
  ['x'.repeat(300), 'cannot be read: the name is too long.'],
])('%s is refused', async (name, complaint) => {
  const path = inside(name);
  await expect(readInputFile(path, 'The kernel', '--kernel')).rejects.toThrow(
    new InputError(`The kernel ${path} ${complaint}`),
  );
});

test('a device is refused, and not read for ever', async () => {
  await expect(readInputFile('/dev/zero', 'The initrd', '--initrd')).rejects.toThrow(
    /is a device or a socket/,
  );
});

test('a file is written, and where that fails it says why', async () => {
  await writeOutputFile(inside('out'), Uint8Array.of(65, 66), 'The device tree');
  expect(readFileSync(inside('out'), 'utf8')).toBe('AB');
  const path = inside('missing/out');
  await expect(writeOutputFile(path, Uint8Array.of(1), 'The device tree')).rejects.toThrow(
    new InputError(`The device tree cannot be written to ${path}: there is no such file or directory.`),
  );
});

import { execFileSync } from 'node:child_process';
import {
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
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

const small = { file: 5000, stream: 3000 };

/** Writes to a pipe until it has all, or its reader is gone. */
function feed(name: string, bytes: number): string {
  const path = inside(name);
  execFileSync('mkfifo', [path]);
  createWriteStream(path)
    .on('error', () => undefined)
    .end(Buffer.alloc(bytes, 'pipe'));
  return path;
}

test('a pipe is read to its end', async () => {
  const bytes = await readInputFile(feed('pipe', 3000), 'The kernel', '--kernel', small);
  expect(new TextDecoder().decode(bytes)).toBe('pipe'.repeat(750));
});

test('a pipe that does not end is refused at the limit', async () => {
  const path = feed('endless', 2 ** 20);
  await expect(readInputFile(path, 'The kernel', '--kernel', { ...small, stream: 2 ** 18 })).rejects.toThrow(
    new InputError(
      `The kernel ${path} has not ended after ${2 ** -12} GiB, the most that a pipe may bring. Give it as a file.`,
    ),
  );
});

test('an empty pipe is empty', async () => {
  await expect(readInputFile(feed('nothing', 0), 'The initrd', '--initrd', small)).rejects.toThrow(
    /is empty/,
  );
});

test('a file that tells no size is read to its end, as a pipe is', async () => {
  const bytes = await readInputFile('/proc/self/status', 'The initrd', '--initrd', {
    ...small,
    stream: 10_000,
  });
  expect(new TextDecoder().decode(bytes)).toMatch(/^Name:/);
});

test('a file above the limit is refused before it is read, and one at the limit is not', async () => {
  const path = inside('sparse');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 32 + 1);
  await expect(readInputFile(path, 'The initrd', '--initrd')).rejects.toThrow(
    new InputError(`The initrd ${path} has 4294967297 bytes. Give at most 4 GiB: no guest has more memory.`),
  );
  truncateSync(path, small.file);
  expect(await readInputFile(path, 'The initrd', '--initrd', small)).toHaveLength(small.file);
});

test('a file whose size is refused is not read', async () => {
  const path = inside('refused');
  writeFileSync(path, '');
  // More than one array holds: to read it would fail in another way.
  truncateSync(path, 2 ** 40);
  const limits = {
    file: Number.MAX_SAFE_INTEGER,
    stream: 1,
    checkSize: (bytes: number) => {
      throw new InputError(`${bytes} is too much`);
    },
  };
  await expect(readInputFile(path, 'The initrd', '--initrd', limits)).rejects.toThrow(
    new InputError(`${2 ** 40} is too much`),
  );
});

test('a file of several pieces is read whole', async () => {
  const path = inside('pieces');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 27 + 4);
  writeFileSync(path, 'end', { flag: 'a' });
  const bytes = await readInputFile(path, 'The initrd', '--initrd');
  expect(bytes).toHaveLength(2 ** 27 + 7);
  expect(new TextDecoder().decode(bytes.subarray(-4))).toBe('\0end');
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

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pruneCaches } from './cache-pruning.ts';

const MIB = 2 ** 20;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hartvisor-pruning-'));
  for (const version of ['v22', 'v24']) mkdirSync(join(directory, 'compiled', version), { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Puts a file there that was used so many days ago. @param bytes of a hole, which takes no room */
function put(name: string, days: number, bytes = 0): string {
  const path = join(directory, name);
  writeFileSync(path, '');
  truncateSync(path, bytes);
  const seconds = Date.now() / 1000 - days * 24 * 3600;
  utimesSync(path, seconds, seconds);
  return path;
}

function left(): string[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => name !== 'pruned')
    .sort();
}

const FOLDERS = ['compiled', 'compiled/v22', 'compiled/v24'];

test('what nobody has used for 30 days goes, and nothing else', async () => {
  put(`interpreter-${'a'.repeat(16)}`, 31);
  put(`interpreter-${'b'.repeat(16)}`, 29);
  put('compiled/v24/a1', 31);
  put('compiled/v24/b2', 29);
  put('debian-guest.json', 400);
  const longAgo = Date.now() / 1000 - 90 * 24 * 3600;
  utimesSync(put('compiled/v22/read', 0), Date.now() / 1000, longAgo);
  await pruneCaches(directory);
  expect(left()).toEqual(
    [
      ...FOLDERS,
      `interpreter-${'b'.repeat(16)}`,
      'compiled/v24/b2',
      'compiled/v22/read',
      'debian-guest.json',
    ].sort(),
  );
});

test('of too much, what was used longest ago goes, over all versions of Node', async () => {
  for (let day = 0; day < 10; day++) put(`compiled/v${day % 2 === 0 ? 22 : 24}/${day}`, day, 10 * MIB);
  for (let day = 0; day < 5; day++) put(`interpreter-${String(day).repeat(16)}`, day, MIB);
  await pruneCaches(directory);
  expect(left()).toEqual(
    [
      ...FOLDERS,
      ...[0, 1, 2, 3, 4, 5].map((day) => `compiled/v${day % 2 === 0 ? 22 : 24}/${day}`),
      ...[0, 1].map((day) => `interpreter-${String(day).repeat(16)}`),
    ].sort(),
  );
});

test('happens once an hour, also after a clock that went ahead', async () => {
  await pruneCaches(directory);
  const old = put('compiled/v24/old', 31);
  await pruneCaches(directory);
  expect(existsSync(old)).toBe(true);
  put('pruned', 0.9 / 24);
  await pruneCaches(directory);
  expect(existsSync(old)).toBe(true);
  put('pruned', 1.1 / 24);
  await pruneCaches(directory);
  expect(existsSync(old)).toBe(false);
  put('compiled/v24/old', 31);
  put('pruned', -2 / 24);
  await pruneCaches(directory);
  expect(existsSync(old)).toBe(false);
});

test('harms no process that reads a file, or removes the same ones', async () => {
  const path = put('compiled/v24/in-use', 31);
  writeFileSync(path, 'compiled');
  put('compiled/v24/in-use', 31, 'compiled'.length);
  for (let count = 0; count < 100; count++) put(`compiled/v22/${count}`, 31);
  await using reader = await open(path);
  await Promise.all([pruneCaches(directory), pruneCaches(directory), pruneCaches(directory)]);
  expect(left()).toEqual(FOLDERS);
  expect((await reader.readFile()).length).toBe('compiled'.length);
});

test('follows no link, and takes no folder', async () => {
  mkdirSync(join(directory, 'compiled', 'v24', 'folder'));
  utimesSync(join(directory, 'compiled', 'v24', 'folder'), 1, 1);
  await pruneCaches(directory);
  expect(left()).toEqual([...FOLDERS, 'compiled/v24/folder'].sort());
});

test('nothing is there, or nothing can be read', async () => {
  await expect(pruneCaches(join(directory, 'new'))).resolves.toBeUndefined();
  writeFileSync(join(directory, 'file'), '');
  await expect(pruneCaches(join(directory, 'file', 'below'))).resolves.toBeUndefined();
});

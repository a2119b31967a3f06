import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedInterpreter } from './interpreter-cache.ts';

let directory = '';
let generated = 0;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hartvisor-interpreter-'));
  generated = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const fresh = Uint8Array.of(1, 2, 3, 4);

function interpreter(cacheDir = directory, xlen: 32 | 64 = 64): Promise<Uint8Array> {
  const generate = async () => {
    generated++;
    return fresh;
  };
  return cachedInterpreter(generate, xlen, cacheDir);
}

/** The only file of the cache: a hash of the sources, one of what follows, and that. */
function cacheFile(): string {
  const names = readdirSync(directory);
  expect(names).toHaveLength(1);
  return join(directory, String(names[0]));
}

test('is generated once, and then taken from the cache', async () => {
  expect(await interpreter()).toEqual(fresh);
  expect(await interpreter()).toEqual(fresh);
  expect(generated).toBe(1);
  const key = readFileSync(cacheFile()).subarray(0, 64);
  const other = Buffer.of(5, 6);
  writeFileSync(cacheFile(), Buffer.concat([key, Buffer.from(hash('sha256', other)), other]));
  expect(await interpreter()).toEqual(Uint8Array.of(5, 6));
});

test('is generated anew when the sources have changed', async () => {
  await interpreter();
  const file = cacheFile();
  const intact = readFileSync(file);
  writeFileSync(file, Buffer.concat([Buffer.from('0'.repeat(64)), intact.subarray(64)]));
  expect(await interpreter()).toEqual(fresh);
  expect(generated).toBe(2);
  expect(readFileSync(file).equals(intact)).toBe(true);
});

test('is generated anew when the cache is damaged', async () => {
  await interpreter();
  const file = cacheFile();
  const intact = readFileSync(file);
  const flipped = Buffer.from(intact);
  flipped[intact.length - 1] = 5;
  const damaged = [
    flipped,
    intact.subarray(0, -1),
    intact.subarray(0, 70),
    intact.subarray(0, 10),
    Buffer.of(),
  ];
  for (const content of damaged) {
    writeFileSync(file, content);
    expect(await interpreter()).toEqual(fresh);
    expect(readFileSync(file).equals(intact)).toBe(true);
  }
  expect(generated).toBe(1 + damaged.length);
});

test('clears away what a killed process left, and nothing of a living one', async () => {
  const dead = spawnSync('true').pid;
  const [left, living] = [dead, process.pid].map((pid) => `interpreter-0123456789abcdef-${pid}-01234567`);
  for (const name of [left, living]) writeFileSync(join(directory, String(name)), '');
  await interpreter();
  expect(readdirSync(directory)).toHaveLength(2);
  expect(readdirSync(directory)).toContain(living);
});

test('is not taken from a directory that others may write to', async () => {
  await interpreter();
  chmodSync(directory, 0o777);
  expect(await interpreter()).toEqual(fresh);
  expect(generated).toBe(2);
});

test('needs no cache that can be written', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(await interpreter(join(file, 'below'))).toEqual(fresh);
  expect(await interpreter(file)).toEqual(fresh);
  expect(readdirSync(directory)).toEqual(['file']);
});

/** Seconds since 1970. */
function daysAgo(days: number): number {
  return Date.now() / 1000 - days * 24 * 3600;
}

test('is marked as used when it is taken from the cache', async () => {
  await interpreter();
  utimesSync(cacheFile(), daysAgo(29), daysAgo(29));
  await interpreter();
  expect(generated).toBe(1);
  expect(statSync(cacheFile()).mtimeMs / 1000).toBeGreaterThan(daysAgo(1));
});

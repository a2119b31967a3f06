import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedInterpreter } from './interpreter-module.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hartvisor-interpreter-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A module without anything: no interpreter is like it. */
const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const exportsOf = (module: WebAssembly.Module) => WebAssembly.Module.exports(module).map(({ name }) => name);

/** The only file of the cache. */
function cacheFile(): string {
  const names = readdirSync(directory);
  expect(names).toHaveLength(1);
  return join(directory, String(names[0]));
}

/** Puts another module into the cache. @returns its file */
function exchangeModule(key: string, digest: string): string {
  const file = cacheFile();
  writeFileSync(file, Buffer.concat([Buffer.from(key + digest), empty]));
  return file;
}

function keyOfCache(): string {
  return readFileSync(cacheFile()).toString('latin1', 0, 64);
}

test('is generated once, and then taken from the cache', async () => {
  expect(exportsOf(await cachedInterpreter(join(directory)))).toContain('run');
  exchangeModule(keyOfCache(), hash('sha256', empty));
  expect(exportsOf(await cachedInterpreter(directory))).toEqual([]);
});

test('is generated anew when the sources have changed', async () => {
  await cachedInterpreter(directory);
  const file = exchangeModule('0'.repeat(64), hash('sha256', empty));
  expect(exportsOf(await cachedInterpreter(directory))).toContain('run');
  expect(readFileSync(file).toString('latin1', 0, 64)).not.toBe('0'.repeat(64));
});

test('is generated anew when the cache is damaged', async () => {
  await cachedInterpreter(directory);
  const file = cacheFile();
  const intact = readFileSync(file);
  const damaged = Buffer.from(intact);
  damaged[intact.length - 100] = (damaged[intact.length - 100] ?? 0) ^ 1;
  for (const content of [
    damaged,
    intact.subarray(0, intact.length - 1),
    intact.subarray(0, 70),
    Buffer.of(),
  ]) {
    writeFileSync(file, content);
    expect(exportsOf(await cachedInterpreter(directory))).toContain('run');
    expect(readFileSync(file).equals(intact)).toBe(true);
  }
});

test('needs no cache that can be written', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(exportsOf(await cachedInterpreter(join(file, 'below')))).toContain('run');
  expect(exportsOf(await cachedInterpreter(file))).toContain('run');
  expect(readdirSync(directory)).toEqual(['file']);
});

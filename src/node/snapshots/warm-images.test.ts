import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { digestOf, fileFacts, WarmImages } from './warm-images.ts';

const cache = mkdtempSync(join(tmpdir(), 'hartvisor-warm-'));
beforeAll(() => void vi.stubEnv('HARTVISOR_CACHE', cache));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

function open(): WarmImages {
  const images = WarmImages.open();
  if (images === undefined) throw new Error('there is no folder');
  return images;
}

test('an image is found by all that decides what a guest becomes', async () => {
  const images = open();
  const facts = (more: object) => images.pathOf({ bootArgs: 'a', memoryBytes: 1, ...more });
  expect(facts({})).toBe(facts({}));
  expect(new Set([facts({}), facts({ bootArgs: 'b' }), facts({ memoryBytes: 2 })]).size).toBe(3);
  expect(digestOf(Uint8Array.of(1))).not.toBe(digestOf(Uint8Array.of(2)));
  const file = join(cache, 'kernel');
  writeFileSync(file, 'one');
  const before = await fileFacts(file);
  writeFileSync(file, 'three');
  expect(await fileFacts(file)).not.toEqual(before);
});

test('those that were used last are kept, and no more than three', async () => {
  const images = open();
  const paths = [1, 2, 3, 4, 5].map((number) => images.pathOf(number));
  for (const [index, path] of paths.entries()) {
    writeFileSync(path, 'x');
    utimesSync(path, index + 1, index + 1);
  }
  expect(await images.use(paths[0])).toBe(true);
  const unfinished = ['.1.snapshot.abc', '.2.snapshot.def'].map((name) => join(cache, 'warm', name));
  for (const path of unfinished) writeFileSync(path, 'x');
  utimesSync(unfinished[0], 1, 1);
  await images.prune();
  expect(unfinished.map((path) => existsSync(path))).toEqual([false, true]);
  expect(await Promise.all(paths.map((path) => images.use(path)))).toEqual([true, false, false, true, true]);
  await images.drop(paths[0]);
  await images.drop(paths[0]);
  expect(await images.use(paths[0])).toBe(false);
  expect(readdirSync(join(cache, 'warm'))).toHaveLength(3);
});

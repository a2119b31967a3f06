import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { TreeEntry } from '../../agent/files/tree.ts';
import { localFolders } from './local-folders.ts';

const top = mkdtempSync(join(tmpdir(), 'hartvisor-folders-'));
afterAll(() => rmSync(top, { recursive: true }));
let folder: string;
let outside: string;
beforeEach(() => {
  folder = mkdtempSync(join(top, 'in-'));
  outside = mkdtempSync(join(top, 'out-'));
});

const entry = (path: string, kind: TreeEntry['kind'], target?: string): TreeEntry => ({
  ...{ path, kind, mode: 0o755, target },
  open: async () => 'contents',
});

describe('what a guest gives', () => {
  test('is put into the folder', async () => {
    await localFolders.put(folder, entry('a', 'folder'));
    await localFolders.put(folder, entry('a/b', 'file'));
    await localFolders.put(folder, entry('a/b', 'file'));
    await localFolders.put(folder, entry('c', 'link', '/nowhere'));
    expect(readFileSync(join(folder, 'a', 'b'), 'utf8')).toBe('contents');
    expect(statSync(join(folder, 'a', 'b')).mode & 0o111).not.toBe(0);
    expect(readlinkSync(join(folder, 'c'))).toBe('/nowhere');
  });

  test.each(['../x', '/x', 'a/../../x', '.', 'a//b', 'a\0', ...(sep === '/' ? [] : ['a\\b'])])(
    'as the path %j is refused',
    async (path) => {
      await expect(localFolders.put(folder, entry(path, 'file'))).rejects.toMatchObject({ code: 'input' });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('has names of any bytes', async () => {
    for (const name of ['f\udcfcr', 'f\udcdcr', '\ufeffa', 'a\\b'])
      await localFolders.put(folder, entry(name, 'file'));
    await localFolders.put(folder, entry('l\udc80', 'link', 'f\udcfcr'));
    const found: Pick<TreeEntry, 'path' | 'target'>[] = [];
    for await (const { path, target } of localFolders.entries(folder)) found.push({ path, target });
    expect(found).toEqual([
      { path: 'a\\b', target: undefined },
      { path: 'f\udcdcr', target: undefined },
      { path: 'f\udcfcr', target: undefined },
      { path: 'l\udc80', target: 'f\udcfcr' },
      { path: '\ufeffa', target: undefined },
    ]);
    const names = readdirSync(folder, { encoding: 'latin1' });
    expect(names.sort()).toEqual(['a\\b', 'f\xdcr', 'f\xfcr', 'l\x80', '\xef\xbb\xbfa'].sort());
  });

  test.each<[string, string[]]>([
    ['is whole, or not there', []],
    ['takes the place of another file when it is whole', ['a']],
  ])('%s', async (_, before) => {
    for (const name of before) writeFileSync(join(folder, name), 'old');
    const open = async () => {
      let isFirst = true;
      return new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (isFirst) controller.enqueue(new Uint8Array(8));
          else controller.error(new Error('torn'));
          isFirst = false;
        },
      });
    };
    const put = localFolders.put(folder, { ...entry('a', 'file'), open });
    await expect(put).rejects.toThrow('torn');
    expect(readdirSync(folder)).toEqual(before);
    for (const name of before) expect(readFileSync(join(folder, name), 'utf8')).toBe('old');
  });

  test('is not written by way of a link', async () => {
    await localFolders.put(folder, entry('way', 'link', outside));
    await expect(localFolders.put(folder, entry('way/x', 'file'))).rejects.toMatchObject({ code: 'input' });
    await expect(localFolders.put(folder, entry('way', 'folder'))).rejects.toMatchObject({ code: 'input' });
    writeFileSync(join(outside, 'x'), 'old');
    await localFolders.put(folder, entry('file', 'link', join(outside, 'x')));
    await localFolders.put(folder, entry('file', 'file'));
    expect([readdirSync(outside), readFileSync(join(outside, 'x'), 'utf8')]).toEqual([['x'], 'old']);
  });
});

test('all that is in a folder is given, folders before what is in them', async () => {
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a', 'b'), 'text', { mode: 0o640 });
  symlinkSync('a/b', join(folder, 'c'));
  const found: unknown[] = [];
  for await (const { path, kind, mode, target } of localFolders.entries(folder))
    found.push([path, kind, kind === 'file' ? mode : 0, target]);
  expect(found).toEqual([
    ['a', 'folder', 0, undefined],
    ['a/b', 'file', 0o640, undefined],
    ['c', 'link', 0, 'a/b'],
  ]);
});

import { fstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { openShares } from './open-shares.ts';

const base = mkdtempSync(join(tmpdir(), 'hartvisor-open-shares-'));
afterAll(() => rmSync(base, { recursive: true }));
const share = (folder: string) => ({ folder, tag: 'tag', readOnly: false });

test.each([
  ['nothing', 'cannot be shared: there is none. Make it first: mkdir'],
  ['file', 'this is no folder. Share the one that it is in.'],
])('%s cannot be shared, and nothing stays open', (name, message) => {
  writeFileSync(join(base, 'file'), '');
  const open = () => openShares([share(base), share(join(base, name))]);
  expect(open).toThrow(InputError);
  expect(open).toThrow(message);
});

test('gives threads the folders, and the room for descriptors that there is', () => {
  const shares = openShares([share(base), { ...share(base), tag: 'again', readOnly: true }]);
  const data = shares.module.data as readonly { readonly root: number; readonly mostDescriptors: number }[];
  expect(shares.facts).toEqual([
    { name: base, tag: 'tag', readOnly: false },
    { name: base, tag: 'again', readOnly: true },
  ]);
  expect(data.every(({ root }) => fstatSync(root).isDirectory())).toBe(true);
  expect(data[0].mostDescriptors).toBe(data[1].mostDescriptors);
  expect(data[0].mostDescriptors).toBeGreaterThan(100);
  shares.close();
  expect(() => fstatSync(data[0].root)).toThrow('EBADF');
});

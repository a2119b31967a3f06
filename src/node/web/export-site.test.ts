import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { exportSite } from './export-site.ts';

const top = mkdtempSync(join(tmpdir(), 'hartvisor-export-'));
afterAll(() => rmSync(top, { recursive: true }));

const page = join(top, 'page');
mkdirSync(join(page, 'assets'), { recursive: true });
for (const name of ['index.html', 'isolation-worker.js', 'assets/new.js'])
  writeFileSync(join(page, name), name);
const kernel = join(top, 'kernel');
writeFileSync(kernel, 'kernel', { mode: 0o600 });
const guest = {
  manifest: { format: 1, name: 'guest', kernel: { file: 'k', size: 6 }, initrd: { file: 'k', size: 6 } },
  files: new Map([['kernel-12345678.bin', kernel]]),
} as const;

test('a folder has the page and the guest, readable by all, and nothing of an older one', () => {
  const target = join(top, 'site', 'below');
  exportSite(page, target, guest);
  writeFileSync(join(target, 'assets', 'old.js'), '');
  writeFileSync(join(target, 'guest', 'old.bin'), '');
  exportSite(page, target, guest);
  expect(readFileSync(join(target, 'assets', 'new.js'), 'utf8')).toBe('assets/new.js');
  expect(statSync(join(target, 'guest', 'kernel-12345678.bin')).mode & 0o777).toBe(0o644);
  expect(['assets/old.js', 'guest/old.bin'].filter((name) => existsSync(join(target, name)))).toEqual([]);
});

test('a folder with files of others is left alone', () => {
  const other = join(top, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'thesis.txt'), '');
  expect(() => exportSite(page, other, guest)).toThrow(/has other files in it/);
  expect(existsSync(join(other, 'index.html'))).toBe(false);
  expect(() => exportSite(page, join(other, 'thesis.txt'), guest)).toThrow(/cannot be written/);
});

/** qcow2 images between hartvisor and `qemu-img`: each reads what the other one has written. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createImage } from '../../src/node/drives/create-image.ts';
import { extendHost, type OpenDrive } from '../../src/node/drives/drive-thread.ts';
import { openDrives } from '../../src/node/drives/open-drives.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { apply, type Change, changes, contents } from './qcow2-model.ts';

const LIMIT_MS = 240_000;
const folder = mkdtempSync(join(tmpdir(), 'hartvisor-qcow2-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);
const hasQemu = spawnSync('qemu-img', ['--version']).status === 0;

function qemu(...args: string[]): string {
  return execFileSync('qemu-img', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

/** Lets `work` use an image as a machine's thread does. */
function use<T>(name: string, work: (disk: Storage) => T, readOnly = false): T {
  const file = path(name);
  const opened = openDrives([{ file, readOnly, snapshot: false, serial: '' }]);
  const host = extendHost(opened.module.data as readonly OpenDrive[]);
  try {
    const disk = host.openDrive?.(0);
    if (disk === undefined) throw new Error('there is no drive');
    const result = work(disk);
    expect(host.closeDrives?.()).toEqual([]);
    return result;
  } finally {
    opened.close();
  }
}

/** Fails unless QEMU finds the image whole, without a leak, and with these contents. */
function expectWhole(name: string, expected: Uint8Array): void {
  writeFileSync(path('expected.raw'), expected);
  qemu('check', '-q', name);
  qemu('compare', '-q', name, 'expected.raw', '-F', 'raw');
}

const SIZE = 3 << 20;
const content = Uint8Array.from({ length: SIZE }, (_, at) =>
  (at >> 12) % 5 === 0 ? 0 : (at >> 9) ^ (at & 15),
);

/** Images of QEMU, and their options. */
const KINDS: readonly (readonly [string, readonly string[]])[] = [
  ['version 3', ['-o', 'compat=1.1']],
  ['version 2', ['-o', 'compat=0.10']],
  ['small clusters', ['-o', 'cluster_size=512']],
  ['clusters of 2 MiB', ['-o', 'cluster_size=2M']],
  ...[1, 2, 4, 8, 32, 64].map(
    (bits) => [`counts of ${bits} bits`, ['-o', `refcount_bits=${bits},cluster_size=4k`]] as const,
  ),
  ['lazy counts', ['-o', 'lazy_refcounts=on']],
  ['tables made before', ['-o', 'preallocation=metadata,cluster_size=4k']],
  ['zlib', ['-c', '-o', 'cluster_size=4k']],
  ['zlib, large clusters', ['-c']],
  ['zstd', ['-c', '-o', 'compression_type=zstd']],
];

describe.skipIf(!hasQemu)('images of QEMU', { timeout: LIMIT_MS }, () => {
  test.each(KINDS)('%s', (_, options) => {
    writeFileSync(path('content.raw'), content);
    rmSync(path('made.qcow2'), { force: true });
    qemu('convert', '-f', 'raw', '-O', 'qcow2', ...options, 'content.raw', 'made.qcow2');
    expect(Buffer.compare(use('made.qcow2', contents, true), content)).toBe(0);
    const body = (list: Change[]) => {
      copyFileSync(path('made.qcow2'), path('disk.qcow2'));
      const expected = content.slice();
      use('disk.qcow2', (disk) => {
        for (const [turn, change] of list.entries()) apply(disk, expected, change, turn + 1);
      });
      expectWhole('disk.qcow2', expected);
    };
    fc.assert(fc.property(changes(30, 300_000), body), { numRuns: 3 });
  });

  test.each([
    ['raw', 'raw', 'compat=1.1'],
    ['qcow2', 'qcow2', 'compat=1.1'],
    ['raw, version 2', 'raw', 'compat=0.10'],
  ])('over %s, by a name from their folder on, in three layers', (_, format, options) => {
    for (const name of ['base', 'middle.qcow2', 'top.qcow2']) rmSync(path(name), { force: true });
    writeFileSync(path('content.raw'), content.subarray(0, SIZE - 70_000));
    qemu('convert', '-f', 'raw', '-O', format, 'content.raw', 'base');
    qemu('create', '-q', '-f', 'qcow2', '-o', options, '-b', 'base', '-F', format, 'middle.qcow2', `${SIZE}`);
    qemu('create', '-q', '-f', 'qcow2', '-o', options, '-b', 'middle.qcow2', '-F', 'qcow2', 'top.qcow2');
    const below = new Uint8Array(SIZE);
    below.set(content.subarray(0, SIZE - (70_000 - (70_000 % 512))));
    below.fill(0, SIZE - 70_000);
    const body = (list: Change[]) => {
      copyFileSync(path('top.qcow2'), path('disk.qcow2'));
      const expected = below.slice();
      use('disk.qcow2', (disk) => {
        expect(Buffer.compare(contents(disk), expected)).toBe(0);
        for (const [turn, change] of list.entries()) apply(disk, expected, change, turn + 1);
      });
      expectWhole('disk.qcow2', expected);
    };
    fc.assert(fc.property(changes(20, 200_000), body), { numRuns: 3 });
  });

  test('with snapshots, which stay as they are', () => {
    writeFileSync(path('content.raw'), content);
    qemu('convert', '-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=4k', 'content.raw', 'snap.qcow2');
    qemu('snapshot', '-c', 'before', 'snap.qcow2');
    const expected = content.slice();
    use('snap.qcow2', (disk) => {
      for (let turn = 0; turn < 40; turn++)
        apply(
          disk,
          expected,
          { at: (turn * 0.377) % 1, bytes: 9000, aligned: false, kind: 'write' },
          turn + 1,
        );
      apply(disk, expected, { at: 0.3, bytes: 500_000, aligned: true, kind: 'discard' }, 0);
    });
    expectWhole('snap.qcow2', expected);
    qemu('convert', '-l', 'snapshot.name=before', '-O', 'raw', 'snap.qcow2', 'old.raw');
    qemu('compare', '-q', '-f', 'raw', '-F', 'raw', 'old.raw', 'content.raw');
  });

  test('that were not closed are repaired', () => {
    qemu('create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on,cluster_size=4k', 'lazy.qcow2', `${SIZE}`);
    // QEMU ends without a word to the image: its counts are not written then.
    const script = ['-c', 'write -P 5 0 300k', '-c', 'flush', '-c', 'sigraise 9', 'lazy.qcow2'];
    spawnSync('qemu-io', script, { cwd: folder });
    expect(spawnSync('qemu-img', ['check', '-q', 'lazy.qcow2'], { cwd: folder }).status).not.toBe(0);
    const expected = new Uint8Array(SIZE);
    expected.fill(5, 0, 300 << 10);
    use('lazy.qcow2', (disk) =>
      apply(disk, expected, { at: 0.5, bytes: 5000, aligned: false, kind: 'write' }, 9),
    );
    expectWhole('lazy.qcow2', expected);
  });
});

describe.skipIf(!hasQemu)('images of hartvisor', { timeout: LIMIT_MS }, () => {
  test('are whole for QEMU, with and without others below', () => {
    writeFileSync(path('below.raw'), content);
    createImage({ file: path('a.qcow2'), size: SIZE, backing: undefined, backingFormat: undefined });
    createImage({ file: path('b.qcow2'), size: undefined, backing: 'below.raw', backingFormat: undefined });
    createImage({ file: path('c.qcow2'), size: SIZE, backing: 'b.qcow2', backingFormat: 'qcow2' });
    expectWhole('a.qcow2', new Uint8Array(SIZE));
    for (const name of ['b.qcow2', 'c.qcow2']) expectWhole(name, content);
    const info = JSON.parse(qemu('info', '--output=json', 'b.qcow2'));
    expect([info['backing-filename'], info['backing-filename-format']]).toEqual(['below.raw', 'raw']);
    const expected = content.slice();
    use('c.qcow2', (disk) =>
      apply(disk, expected, { at: 0.5, bytes: 5000, aligned: false, kind: 'write' }, 9),
    );
    expectWhole('c.qcow2', expected);
    // QEMU writes to them, too.
    execFileSync('qemu-io', ['-c', 'write -P 7 1M 64k', 'c.qcow2'], { cwd: folder, stdio: 'pipe' });
    expected.fill(7, 1 << 20, (1 << 20) + (64 << 10));
    expect(Buffer.compare(use('c.qcow2', contents), expected)).toBe(0);
  });

  test.each([1, 512, (1 << 30) + 1, 2 ** 40])('of %d bytes', (size) => {
    rmSync(path('size.qcow2'), { force: true });
    createImage({ file: path('size.qcow2'), size, backing: undefined, backingFormat: undefined });
    qemu('check', '-q', 'size.qcow2');
    const info = JSON.parse(qemu('info', '--output=json', 'size.qcow2'));
    expect(info['virtual-size']).toBe(Math.ceil(size / 512) * 512);
  });
});

/** Files whose host has no room, or has changed them meanwhile. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createImage } from './create-image.ts';
import { extendHost, type OpenDrive } from './drive-thread.ts';
import { openDrives } from './open-drives.ts';

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-trouble-'));
const small = join(folder, 'small');
mkdirSync(small);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [small]);
  rmSync(folder, { recursive: true });
});

function open(file: string) {
  const opened = openDrives([{ file, readOnly: false, snapshot: false, serial: '' }]);
  const host = extendHost(opened.module.data as readonly OpenDrive[]);
  const disk = host.openDrive?.(0);
  if (disk === undefined) throw new Error('there is no drive');
  const close = () => {
    const troubles = host.closeDrives?.();
    opened.close();
    return troubles;
  };
  return { disk, close };
}

describe.skipIf(!mounted)('a host without room', () => {
  test.each(['raw', 'qcow2'])('gives errors, and all is well when it has some again (%s)', (format) => {
    const file = join(small, `disk.${format}`);
    const ballast = join(small, 'ballast');
    if (format === 'qcow2')
      createImage({ file, size: 16 << 20, backing: undefined, backingFormat: undefined });
    else {
      writeFileSync(file, '');
      truncateSync(file, 16 << 20);
    }
    writeFileSync(ballast, Buffer.alloc(1 << 20));
    const { disk, close } = open(file);
    const piece = (fill: number) => new Uint8Array(100_000).fill(fill);
    let written = 0;
    const fill = () => {
      for (; written < 100; written++) disk.write(written * 100_000, piece(written + 1));
    };
    expect(fill).toThrow('ENOSPC');
    const stopped = written;
    expect(stopped).toBeGreaterThan(2);
    unlinkSync(ballast);
    disk.flush();
    expect(fill).toThrow('ENOSPC');
    expect(written).toBeGreaterThan(stopped);
    const into = new Uint8Array(100_000);
    for (let at = 0; at < written; at++) {
      disk.read(at * 100_000, into);
      expect(into).toEqual(piece(at + 1));
    }
    close();
    if (format === 'qcow2' && spawnSync('qemu-img', ['--version']).status === 0)
      execFileSync('qemu-img', ['check', '-q', file], { stdio: 'pipe' });
    unlinkSync(file);
  });
});

describe.skipIf(!mounted)('a file that cannot be written', () => {
  test('is a mistake that says what to do, and can be read', () => {
    const file = join(small, 'disk.img');
    writeFileSync(file, Buffer.alloc(4096, 7));
    const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, small]);
    remount('ro');
    try {
      expect(() => open(file)).toThrow(/disk\.img .*readonly=on/);
      const opened = openDrives([{ file, readOnly: true, snapshot: false, serial: '' }]);
      const into = new Uint8Array(4096);
      extendHost(opened.module.data as readonly OpenDrive[])
        .openDrive?.(0)
        .read(0, into);
      expect(into).toEqual(new Uint8Array(4096).fill(7));
      opened.close();
    } finally {
      remount('rw');
    }
    unlinkSync(file);
  });
});

test.each(['raw', 'qcow2'])('what an image lies over is gone, or has become shorter (%s)', (format) => {
  const below = join(folder, `below.${format}`);
  const file = join(folder, `over-${format}.qcow2`);
  const bytes = new Uint8Array(1 << 20).fill(5);
  if (format === 'raw') writeFileSync(below, bytes);
  else {
    createImage({ file: below, size: bytes.length, backing: undefined, backingFormat: undefined });
    const { disk, close } = open(below);
    disk.write(0, bytes);
    close();
  }
  createImage({ file, size: undefined, backing: below, backingFormat: undefined });
  const { disk, close } = open(file);
  const into = new Uint8Array(4096);
  truncateSync(below, 4096);
  expect(() => disk.read(600_000, into)).toThrow('has become shorter');
  disk.write(600_000 - (600_000 % 65_536), new Uint8Array(65_536).fill(6));
  disk.read(600_000, into);
  expect(into[0]).toBe(6);
  expect(close()).toEqual([]);
  unlinkSync(below);
  expect(() => open(file)).toThrow(`over which ${file} lies, does not exist`);
});

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { extendHost, type OpenDrive } from './drive-thread.ts';
import { openDrives } from './open-drives.ts';

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-drives-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const drive = (path: string, changed = {}) => ({
  file: path,
  readOnly: false,
  snapshot: false,
  serial: '',
  ...changed,
});
const bytes = (text: string) => new TextEncoder().encode(text);

/** The contents of the only drive, as a thread opens them. */
function contents(opened: ReturnType<typeof openDrives>) {
  const storage = extendHost(opened.module.data as readonly OpenDrive[]).openDrive?.(0);
  if (storage === undefined) throw new Error('there is no drive');
  return storage;
}

test('a drive is its file', () => {
  const path = file('disk.img', Buffer.alloc(2048, 'abcd'));
  const opened = openDrives([drive(path, { serial: 'S' })]);
  expect(opened.facts).toEqual([{ name: path, bytes: 2048, readOnly: false, serial: 'S' }]);
  const storage = contents(opened);
  const into = new Uint8Array(5);
  storage.read(2, into);
  expect(Buffer.from(into).toString()).toBe('cdabc');
  storage.write(1, bytes('xy'));
  storage.zero(4, 2, true);
  storage.flush();
  expect(readFileSync(path).subarray(0, 8).toString()).toBe('axyd\0\0cd');
  expect(() => storage.read(2047, into)).toThrow(RangeError);
  expect(() => storage.write(2047, into)).toThrow(RangeError);
  truncateSync(path, 1024);
  expect(() => storage.read(1022, into)).toThrow('has become shorter');
  opened.close();
});

test('changes of a snapshot are in no file that can be found', () => {
  const path = file('base.img', Buffer.alloc(8192, 'abcd'));
  const opened = openDrives([drive(path, { snapshot: true })]);
  const storage = contents(opened);
  storage.write(4094, bytes('wxyz'));
  const into = new Uint8Array(8);
  storage.read(4092, into);
  expect(Buffer.from(into).toString()).toBe('abwxyzcd');
  expect(readFileSync(path).equals(Buffer.alloc(8192, 'abcd'))).toBe(true);
  opened.close();
});

describe('files that cannot be drives', () => {
  test.each([
    ['missing.img', undefined, 'does not exist'],
    ['empty.img', '', 'is empty'],
    ['odd.img', 'x'.repeat(513), 'truncate -s 1024'],
    ['disk.qcow2', `QFI\u00fb${'\0'.repeat(508)}`, 'qemu-img convert'],
  ])('%s', (name, content, why) => {
    const path = join(folder, name);
    if (content !== undefined) writeFileSync(path, content, 'latin1');
    expect(() => openDrives([drive(path)])).toThrow(InputError);
    expect(() => openDrives([drive(path)])).toThrow(why);
  });

  test('a folder and a device', () => {
    expect(() => openDrives([drive(folder, { readOnly: true })])).toThrow(InputError);
    expect(() => openDrives([drive('/dev/null', { readOnly: true })])).toThrow('no regular file');
  });
});

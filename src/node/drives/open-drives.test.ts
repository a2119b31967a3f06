import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { createImage } from './create-image.ts';
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
  expect(opened.facts).toEqual([{ name: path, bytes: 2048, readOnly: false, serial: 'S', anyThread: true }]);
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

test('what is discarded of a disk that was never written takes no room', () => {
  const path = file('sparse.img', '');
  truncateSync(path, 64 << 20);
  const opened = openDrives([drive(path)]);
  const storage = contents(opened);
  storage.write(10 << 20, bytes('x'.repeat(4096)));
  const { blocks } = statSync(path);
  storage.zero(0, 64 << 20, true);
  expect(statSync(path).blocks).toBeLessThanOrEqual(blocks + 128);
  const into = new Uint8Array(4096);
  storage.read(10 << 20, into);
  expect(into).toEqual(new Uint8Array(4096));
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

test('a snapshot for whose changes there is no room leaves nothing open', () => {
  // More bytes than any file can have.
  const remote = { url: 'http://127.0.0.1/disk', size: 2 ** 63, mark: undefined };
  expect(() => openDrives([drive(remote.url, { snapshot: true, remote })])).toThrow('No temporary file');
  const open = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      // That of the list itself.
      return '';
    }
  });
  expect(open.filter((path) => path.includes(`hartvisor-${process.pid}-`))).toEqual([]);
});

test('a drive that is written is no other one', () => {
  const path = file('twice.img', Buffer.alloc(4096));
  const opened = openDrives([drive(path)]);
  for (const changed of [{}, { readOnly: true }, { snapshot: true }])
    expect(() => openDrives([drive(path, changed)])).toThrow('is in use by process');
  expect(() =>
    createImage({ file: join(folder, 'x.qcow2'), size: 512, backing: path, backingFormat: undefined }),
  ).not.toThrow();
  expect(() => openDrives([drive(join(folder, 'x.qcow2'))])).toThrow('twice.img, over which');
  opened.close();
  const readers = [1, 2].map(() => openDrives([drive(path, { readOnly: true })]));
  for (const { close } of readers) close();
});

describe('files that cannot be drives', () => {
  test.each([
    ['missing.img', undefined, 'does not exist'],
    ['empty.img', '', 'is empty'],
    ['odd.img', 'x'.repeat(513), 'truncate -s 1024'],
    ['disk.vmdk', `KDMV${'\0'.repeat(508)}`, 'qemu-img convert'],
    ['disk.qcow2', `QFI\u00fb${'\0'.repeat(508)}`, 'version 0'],
  ])('%s', (name, content, why) => {
    const path = join(folder, name);
    if (content !== undefined) writeFileSync(path, content, 'latin1');
    expect(() => openDrives([drive(path)])).toThrow(InputError);
    expect(() => openDrives([drive(path)])).toThrow(why);
  });

  test('a pipe that nobody writes to', () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(() => openDrives([drive(join(folder, 'pipe'), { readOnly: true })])).toThrow('no regular file');
  });

  test('a folder and a device', () => {
    expect(() => openDrives([drive(folder, { readOnly: true })])).toThrow(InputError);
    expect(() => openDrives([drive('/dev/null', { readOnly: true })])).toThrow('no regular file');
  });
});

describe('an image', () => {
  const image = (name: string, backing?: string, size = 4096) => {
    const path = join(folder, name);
    rmSync(path, { force: true });
    createImage({ file: path, size, backing, backingFormat: undefined });
    return path;
  };
  /** Lets an image lie over what it was not made for. */
  const renameBelow = (path: string, from: string, to: string) =>
    writeFileSync(path, readFileSync(path, 'latin1').replace(from, to), 'latin1');

  test('lies over a file that is read, and reads what is there', () => {
    file('base.raw', Buffer.alloc(4096, 'abcd'));
    const path = image('over.qcow2', 'base.raw');
    const opened = openDrives([drive(path)]);
    expect(opened.facts[0].bytes).toBe(4096);
    const storage = contents(opened);
    const into = new Uint8Array(5);
    storage.write(1, bytes('x'));
    storage.read(0, into);
    expect(Buffer.from(into).toString()).toBe('axcda');
    storage.close();
    opened.close();
    expect(readFileSync(join(folder, 'base.raw')).equals(Buffer.alloc(4096, 'abcd'))).toBe(true);
  });

  test('is a disk of bytes for whoever says so', () => {
    const path = image('as-raw.qcow2');
    const opened = openDrives([drive(path, { format: 'raw' })]);
    const into = new Uint8Array(3);
    contents(opened).read(0, into);
    expect(Buffer.from(into).toString()).toBe('QFI');
    opened.close();
    const raw = file('is-raw.img', Buffer.alloc(4096));
    expect(() => openDrives([drive(raw, { format: 'qcow2' })])).toThrow('does not begin as a qcow2 image');
  });

  test.each([
    ['over itself', 'base.img', 'self.img', 'lies over itself'],
    ['over a file that is gone', 'base.img', 'gone.img', 'gone.img, over which'],
    ['over a network', 'base.img', 'nbd://ab', 'is no file'],
    ['over a folder', 'base.img', '////////', 'no regular file'],
    ['in a format that is not known', 'raw', 'vdi', 'in the format vdi'],
  ])('%s is refused', (_, from, to, why) => {
    file('base.img', Buffer.alloc(4096));
    const path = image('self.img', 'base.img');
    renameBelow(path, from, to);
    const before = readdirSync('/proc/self/fd').length;
    expect(() => openDrives([drive(path)])).toThrow(InputError);
    expect(() => openDrives([drive(path)])).toThrow(why);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  test('lies over so many files at most', () => {
    let below = 'base.img';
    file(below, Buffer.alloc(4096));
    const make = () => {
      for (let layer = 0; layer < 40; layer++) {
        image(`layer${layer}.qcow2`, below);
        below = `layer${layer}.qcow2`;
      }
    };
    expect(make).toThrow('more than 32 files');
  });

  test('is not written over a file that is there', () => {
    const path = file('precious', 'data');
    expect(() =>
      createImage({ file: path, size: 512, backing: undefined, backingFormat: undefined }),
    ).toThrow('is there already');
    expect(readFileSync(path, 'utf8')).toBe('data');
  });
});

describe('a raw disk that nobody called raw', () => {
  const header = bytes('QFI\u00fb'.replace('\u00fb', ''));
  const magic = Uint8Array.of(...header, 0xfb);

  test('cannot be made to begin as an image', () => {
    const path = file('guess.img', Buffer.alloc(4096));
    const opened = openDrives([drive(path)]);
    const storage = contents(opened);
    const sector = new Uint8Array(512);
    sector.set(magic);
    expect(() => storage.write(0, sector)).toThrow('format=raw');
    storage.write(0, magic.subarray(0, 3));
    expect(() => storage.write(3, magic.subarray(3))).toThrow('qcow2');
    storage.write(512, sector);
    storage.write(0, new Uint8Array(4096).fill(5));
    expect([...readFileSync(path)]).toEqual(Array(4096).fill(5));
    opened.close();
  });

  test('can where it is called raw, and in a snapshot', () => {
    for (const changed of [{ format: 'raw' }, { snapshot: true }]) {
      const opened = openDrives([drive(file('called.img', Buffer.alloc(4096)), changed)]);
      const storage = contents(opened);
      storage.write(0, magic);
      const into = new Uint8Array(4);
      storage.read(0, into);
      expect(into).toEqual(magic);
      opened.close();
    }
  });
});

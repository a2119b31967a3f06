import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpioEntry, withParentDirectories, writeCpio } from './cpio.ts';

const decoder = new TextDecoder();

interface Member {
  readonly path: string;
  readonly mode: number;
  readonly links: number;
  readonly device: readonly [number, number];
  readonly content: Uint8Array;
}

/** Reads an archive as the kernel's `init/initramfs.c` does: thirteen fields, name, content, padded to four. */
function readCpio(archive: Uint8Array): Member[] {
  const members: Member[] = [];
  for (let offset = 0; ; ) {
    const header = decoder.decode(archive.subarray(offset, offset + 110));
    expect(header.slice(0, 6)).toBe('070701');
    const field = (index: number) => Number.parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const nameEnd = offset + 110 + field(11);
    expect(archive[nameEnd - 1]).toBe(0);
    const path = decoder.decode(archive.subarray(offset + 110, nameEnd - 1));
    const start = (nameEnd + 3) & ~3;
    const content = archive.slice(start, start + field(6));
    offset = (start + field(6) + 3) & ~3;
    if (path === 'TRAILER!!!') {
      expect(offset).toBe(archive.length);
      return members;
    }
    members.push({ path, mode: field(1), links: field(4), device: [field(9), field(10)], content });
  }
}

describe('writeCpio', () => {
  it('writes files, directories, links and devices with their types and contents', () => {
    const archive = writeCpio([
      { kind: 'directory', path: 'dev', mode: 0o755 },
      { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
      { kind: 'block-device', path: 'dev/vda', mode: 0o660, major: 254, minor: 3 },
      { kind: 'file', path: 'init', mode: 0o4755, data: Uint8Array.of(1, 2, 3, 4, 5) },
      { kind: 'symlink', path: 'linuxrc', target: 'init' },
    ]);
    expect(readCpio(archive)).toEqual([
      { path: 'dev', mode: 0o040755, links: 2, device: [0, 0], content: new Uint8Array(0) },
      { path: 'dev/console', mode: 0o020600, links: 1, device: [5, 1], content: new Uint8Array(0) },
      { path: 'dev/vda', mode: 0o060660, links: 1, device: [254, 3], content: new Uint8Array(0) },
      { path: 'init', mode: 0o104755, links: 1, device: [0, 0], content: Uint8Array.of(1, 2, 3, 4, 5) },
      {
        path: 'linuxrc',
        mode: 0o120777,
        links: 1,
        device: [0, 0],
        content: new TextEncoder().encode('init'),
      },
    ]);
  });

  it('gives back every name and content, whatever their lengths', () => {
    const name = fc.stringMatching(/^[a-z]{1,9}é?$/);
    const files = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 20 })), {
      selector: ([path]) => path,
    });
    fc.assert(
      fc.property(files, (list) => {
        const archive = writeCpio(list.map(([path, data]) => ({ kind: 'file', path, mode: 0o644, data })));
        expect(archive.length % 4).toBe(0);
        expect(readCpio(archive).map(({ path, content }) => [path, content])).toEqual(list);
      }),
    );
  });

  it.each(['', '/init', 'a//b', '../x', './x', 'a/.', 'a\0b'])('refuses the path %j', (path) => {
    expect(() => writeCpio([{ kind: 'directory', path, mode: 0o755 }])).toThrow(RangeError);
  });

  it('refuses a path that occurs twice and a mode out of range', () => {
    const entry: CpioEntry = { kind: 'directory', path: 'a', mode: 0o755 };
    expect(() => writeCpio([entry, entry])).toThrow(/twice/);
    expect(() => writeCpio([{ ...entry, mode: 0o10000 }])).toThrow(/mode/);
  });
});

describe('withParentDirectories', () => {
  it('adds each missing directory once and before its first use', () => {
    const file = (path: string): CpioEntry => ({ kind: 'file', path, mode: 0o644, data: new Uint8Array(0) });
    const own: CpioEntry = { kind: 'directory', path: 'b', mode: 0o700 };
    expect(
      withParentDirectories([file('a/x/1'), file('a/x/2'), own, file('b/3')]).map((entry) => entry.path),
    ).toEqual(['a', 'a/x', 'a/x/1', 'a/x/2', 'b', 'b/3']);
  });
});

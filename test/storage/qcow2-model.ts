/** Changes of a disk, for property tests of images. */
import fc from 'fast-check';
import type { ImageFile } from '../../src/storage/image-file.ts';
import { readHeader } from '../../src/storage/qcow2/header.ts';
import { Refcounts } from '../../src/storage/qcow2/refcounts.ts';
import { countReferences } from '../../src/storage/qcow2/repair.ts';
import type { Storage } from '../../src/storage/storage.ts';

/** One change, or a look. Places are parts of the disk's size. */
export interface Change {
  readonly at: number;
  readonly bytes: number;
  readonly aligned: boolean;
  readonly kind: 'write' | 'zero' | 'discard' | 'flush';
}

export const changes = (most: number, longest: number) =>
  fc.array(
    fc.record<Change>({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      bytes: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: longest })),
      aligned: fc.boolean(),
      kind: fc.constantFrom('write', 'write', 'write', 'zero', 'discard', 'flush'),
    }),
    { minLength: 1, maxLength: most },
  );

/** Makes a change to a disk and to the bytes that it is to have. */
export function apply(disk: Storage, expected: Uint8Array, change: Change, fill: number): void {
  const { kind, aligned } = change;
  if (kind === 'flush') {
    disk.flush();
    return;
  }
  const [at, bytes] = placeOf(change, disk.size, aligned ? 4096 : 1);
  if (kind === 'write') {
    expected.fill(fill, at, at + bytes);
    const data = expected.slice(at, at + bytes);
    if (fill % 2 === 0) disk.write(at, data);
    else disk.writeParts(at, cut(data));
  } else {
    expected.fill(0, at, at + bytes);
    disk.zero(at, bytes, kind === 'discard');
  }
}

/** The first byte and the number of bytes. */
export function placeOf({ at, bytes }: Change, size: number, unit: number): readonly [number, number] {
  const first = Math.floor((at * size) / unit) * unit;
  return [first, Math.min(Math.ceil(bytes / unit) * unit, size - first)];
}

/** Bytes in pieces of several lengths, as those of a guest's memory. */
export function cut(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0, length = 512; at < bytes.length; at += length, length = (length * 3) % 20_000)
    parts.push(bytes.subarray(at, at + length));
  return parts;
}

/** All of a disk, which it has to give in one piece and in several. */
export function contents(disk: Storage): Uint8Array {
  const all = new Uint8Array(disk.size);
  disk.read(0, all);
  const again = new Uint8Array(disk.size);
  disk.readParts(0, cut(again));
  expectSame(again, all);
  return all;
}

/** Clusters of an image that count as used more often than they are. @throws Error if one counts less often */
export function leaks(file: ImageFile): number[] {
  const header = readHeader(file);
  const expected = countReferences(file, header);
  const refcounts = new Refcounts(file, header, new Set());
  for (const cluster of refcounts.clusters()) expected[cluster]++;
  const leaked = [...expected.entries()].flatMap(([index, count]) => {
    const counted = refcounts.get(index);
    if (counted < count) throw new Error(`cluster ${index} is used ${count} times, and counts ${counted}`);
    return counted > count ? [index] : [];
  });
  return refcounts.countsBehind(expected.length) ? [...leaked, expected.length] : leaked;
}

/** Fails with the first byte that differs; `toEqual` takes seconds for so many. */
export function expectSame(got: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(got, expected) === 0) return;
  const at = got.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(
    `byte ${at} of ${got.length} is ${got[at]}, and was to be ${expected[at]} of ${expected.length}`,
  );
}

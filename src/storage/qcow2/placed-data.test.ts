/** Data in place, by threads that have no tables of the image, while the owner of the tables changes them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryImage } from '../../../test/storage/memory-image.ts';
import { apply, changes, contents, expectSame, leaks } from '../../../test/storage/qcow2-model.ts';
import { bytesOf, type Storage } from '../storage.ts';
import { ClusterPlaces } from './cluster-places.ts';
import { createQcow2 } from './create.ts';
import { readHeader } from './header.ts';
import { Qcow2Image } from './image.ts';
import { PlacedData } from './placed-data.ts';

const fail = () => {
  throw new Error('nothing is compressed here');
};

function openBoth(file: MemoryImage, readOnly = false) {
  const places = new ClusterPlaces(ClusterPlaces.create());
  const image = Qcow2Image.open(file, { readOnly, unpackers: { zlib: fail, zstd: fail }, places });
  return { image, places, placed: new PlacedData(file, places, image.size) };
}

/** Carries out in place what can be, and by the image what cannot. */
function inTurns({ image, placed }: ReturnType<typeof openBoth>, used: { inPlace: number }): Storage {
  const choose = (offset: number, bytes: number, writes: boolean) => {
    if (!placed.has(offset, bytes, writes)) return image;
    used.inPlace++;
    return placed;
  };
  return {
    size: image.size,
    read: (offset, into) => choose(offset, into.length, false).readParts(offset, [into]),
    write: (offset, from) => choose(offset, from.length, true).writeParts(offset, [from]),
    readParts: (offset, into) => choose(offset, bytesOf(into), false).readParts(offset, into),
    writeParts: (offset, from) => choose(offset, bytesOf(from), true).writeParts(offset, from),
    flush: () => image.flush(),
    zero: (offset, bytes, discard) => image.zero(offset, bytes, discard),
    close: () => image.close(),
  };
}

test('both together do what is done to an array', () => {
  const used = { inPlace: 0 };
  const body = (
    bits: number,
    sectors: number,
    closes: number,
    list: readonly Parameters<typeof apply>[2][],
  ) => {
    const file = new MemoryImage();
    createQcow2(file, { size: 512 * sectors, clusterBits: bits });
    const both = openBoth(file);
    const disk = inTurns(both, used);
    const expected = contents(disk);
    for (const [turn, change] of list.entries()) {
      apply(disk, expected, change, turn + 1);
      const length = Math.min(disk.size, 700);
      const at = (turn * 1511) % (disk.size - length + 1);
      const part = new Uint8Array(length);
      disk.read(at, part);
      expectSame(part, expected.subarray(at, at + length));
      if (turn % closes === 0) disk.close();
    }
    expectSame(contents(disk), expected);
    expectSame(contents(both.image), expected);
    disk.close();
    expect(leaks(file)).toEqual([]);
    expect(readHeader(file).dirty).toBe(false);
    expectSame(contents(openBoth(file, true).image), expected);
  };
  const bits = fc.constantFrom(9, 12, 16);
  fc.assert(
    fc.property(
      bits,
      fc.integer({ min: 2, max: 100 }),
      fc.integer({ min: 2, max: 9 }),
      changes(40, 9000),
      body,
    ),
    { numRuns: 100 },
  );
  expect(used.inPlace).toBeGreaterThan(0);
});

test('an image that is only read, and one that is not marked as changed, is not written to in place', () => {
  const file = new MemoryImage();
  createQcow2(file, { size: 1 << 16, clusterBits: 12 });
  const first = openBoth(file);
  first.image.write(0, new Uint8Array(8192).fill(1));
  first.image.read(0, new Uint8Array(8192));
  expect([first.placed.has(0, 8192, true), first.placed.has(100, 8193, true)]).toEqual([true, false]);
  for (const offset of [-1, 2 ** 60, Number.NaN]) expect(first.placed.has(offset, 8192, false)).toBe(false);
  first.image.settle();
  expect(readHeader(file).dirty).toBe(false);
  expect(first.placed.has(0, 512, true)).toBe(false);
  for (const readOnly of [true, false]) {
    const { image, placed } = openBoth(file, readOnly);
    expect(placed.has(0, 512, false)).toBe(false);
    image.read(0, new Uint8Array(8192));
    expect([placed.has(0, 512, false), placed.has(0, 512, true)]).toEqual([true, false]);
    expect(() => placed.writeParts(0, [new Uint8Array(512)])).toThrow('not known');
  }
});

test('what is a table, or becomes one, is not written to in place, however damaged the image is', () => {
  const file = new MemoryImage();
  createQcow2(file, { size: 1 << 20, clusterBits: 9 });
  const made = openBoth(file);
  made.image.write(0, new Uint8Array(512).fill(1));
  made.image.write(512, new Uint8Array(512).fill(2));
  made.image.close();
  const view = new DataView(file.bytes.buffer);
  const { l1, refcounts } = readHeader(file);
  const table = view.getUint32(l1.offset + 4);
  const data = view.getUint32(table + 4);
  // The second cluster is the table itself; the first one counts as free.
  view.setUint32(table + 12, table);
  view.setUint16(view.getUint32(refcounts.offset + 4) + 2 * (data / 512), 0);
  const { image, places } = openBoth(file);
  // Elsewhere: what is written before is marked as changed.
  image.write(2048, new Uint8Array(512).fill(3));
  image.read(0, new Uint8Array(1024));
  expect(places.find(1, false)).toBe(table);
  expect(places.find(1, true)).toBe(-1);
  // Takes a cluster for a table of its own, unless that was taken for the data above.
  image.write(40_000, new Uint8Array(512).fill(4));
  image.write(80_000, new Uint8Array(512).fill(4));
  const tables = [0, 1, 2].map((index) => view.getUint32(l1.offset + 8 * index + 4));
  image.flush();
  image.read(0, new Uint8Array(1024));
  for (let index = 0; index < 200; index++) expect(tables).not.toContain(places.find(index, true));
});

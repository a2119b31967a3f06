import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileEvent, MemoryImage } from '../../../test/storage/memory-image.ts';
import { MemoryStorage } from '../../../test/storage/memory-storage.ts';
import { apply, changes, contents, expectSame, leaks } from '../../../test/storage/qcow2-model.ts';
import { createQcow2 } from './create.ts';
import { ImageError } from './errors.ts';
import { FIELD } from './facts.ts';
import { isQcow2, readHeader } from './header.ts';
import { Qcow2Image } from './image.ts';

const fail = () => {
  throw new Error('nothing is compressed here');
};
const unpackers = { zlib: fail, zstd: fail };
const CLUSTER_BITS = [9, 10, 12, 16];

function create(size: number, clusterBits: number): MemoryImage {
  const file = new MemoryImage();
  createQcow2(file, { size, clusterBits });
  return file;
}

const open = (file: MemoryImage, backing?: MemoryStorage, readOnly = false) =>
  Qcow2Image.open(file, { readOnly, unpackers, backing });

const pattern = (size: number) => Uint8Array.from({ length: size }, (_, index) => (index >> 9) * 7 + index);

test('a new image reads as zeroes, and as what it lies over', () => {
  const file = create(100_000, 12);
  expect(isQcow2(file.bytes)).toBe(true);
  expect(leaks(file)).toEqual([]);
  const size = 100_352;
  expectSame(contents(open(file)), new Uint8Array(size));
  const backing = pattern(70_000);
  const expected = new Uint8Array(size);
  expected.set(backing);
  expectSame(contents(open(file, new MemoryStorage(backing))), expected);
});

test('what it lies over has to be there', () => {
  const file = new MemoryImage();
  createQcow2(file, { size: 4096, backing: { name: 'base.img', format: 'raw' } });
  expect(() => open(file)).toThrow('lies over base.img');
  expect(contents(open(file, new MemoryStorage(pattern(4096))))).toEqual(pattern(4096));
});

describe('does what is done to an array', () => {
  test.each(CLUSTER_BITS)('in clusters of 2^%d bytes', (clusterBits) => {
    const body = (size: number, below: number, reopen: number, list: Parameters<typeof apply>[2][]) => {
      const file = create(size, clusterBits);
      const backing = below === 0 ? undefined : new MemoryStorage(pattern(below));
      const before = backing?.bytes.slice();
      let disk = open(file, backing);
      const expected = contents(disk);
      for (const [turn, change] of list.entries()) {
        apply(disk, expected, change, turn + 1);
        if (turn % reopen === reopen - 1) {
          disk.close();
          expect(leaks(file)).toEqual([]);
          disk = open(file, backing);
        }
      }
      expectSame(contents(disk), expected);
      disk.close();
      expect(leaks(file)).toEqual([]);
      expect(readHeader(file).dirty).toBe(false);
      expectSame(contents(open(file, backing, true)), expected);
      if (before !== undefined) expectSame(backing?.bytes ?? new Uint8Array(), before);
    };
    const size = fc.integer({ min: 1, max: 600 }).map((sectors) => 512 * sectors);
    const below = fc.oneof(fc.constant(0), fc.nat(300_000));
    fc.assert(fc.property(size, below, fc.integer({ min: 2, max: 30 }), changes(25, 100_000), body), {
      numRuns: 60,
    });
  });
});

test('grows its table of counts, whatever is in it', () => {
  // A table of one cluster of 512 bytes counts 8 MiB.
  const size = 12 << 20;
  const file = create(size, 9);
  const disk = open(file);
  const piece = pattern(3 << 20);
  for (let at = 0; at < size; at += piece.length) disk.write(at, piece);
  disk.close();
  expect(leaks(file)).toEqual([]);
  expect(readHeader(file).refcounts.clusters).toBeGreaterThan(1);
  const back = new Uint8Array(piece.length);
  for (let at = 0; at < size; at += piece.length) {
    open(file).read(at, back);
    expect(Buffer.compare(back, piece)).toBe(0);
  }
});

test('what is discarded is used again, and grows the file no further', () => {
  const file = create(4 << 20, 12);
  const disk = open(file);
  const piece = pattern(1 << 20);
  const lengths = Array.from({ length: 20 }, (_, turn) => {
    disk.write((turn % 4) << 20, piece);
    disk.zero((turn % 4) << 20, piece.length, true);
    disk.flush();
    return file.length;
  });
  expect(lengths.at(-1)).toBe(lengths[3]);
});

/** A state of the file that is possible after the power failed: some of the bytes that were not flushed are there. */
function afterFailure(
  before: Uint8Array,
  events: readonly FileEvent[],
  survives: (index: number) => boolean,
) {
  const flushed = events.lastIndexOf('flush');
  const file = new MemoryImage(before.slice());
  for (const [index, event] of events.entries()) {
    if (event !== 'flush' && (index < flushed || survives(index))) file.write(event.offset, event.bytes);
  }
  return file;
}

describe('a failure of power at any moment', () => {
  test('leaves no cluster that counts as used and is not, whatever was written of the first changes', () => {
    const file = create(1 << 20, 12);
    const first = file.bytes.slice();
    file.events.length = 0;
    const disk = open(file);
    disk.write(0, pattern(512));
    disk.flush();
    disk.write(300_000, pattern(9000));
    disk.zero(0, 4096, true);
    disk.flush();
    for (let moment = 0; moment <= file.events.length; moment++) {
      const events = file.events.slice(0, moment);
      const begin = events.lastIndexOf('flush') + 1;
      for (let there = 0; there < 2 ** (moment - begin); there++) {
        const after = afterFailure(first, events, (index) => ((there >> (index - begin)) & 1) === 1);
        const again = open(after);
        again.write(8192, pattern(512));
        again.close();
        expect(leaks(after)).toEqual([]);
      }
    }
  });

  test.each([9, 12, 16])('loses nothing that was flushed (clusters of 2^%d bytes)', (clusterBits) => {
    const body = (
      below: number,
      list: Parameters<typeof apply>[2][],
      moment: number,
      order: boolean,
      seed: number,
    ) => {
      const size = 200 * 512;
      const file = create(size, clusterBits);
      const backing = below === 0 ? undefined : new MemoryStorage(pattern(below));
      const first = file.bytes.slice();
      file.events.length = 0;
      const disk = open(file, backing);
      const expected = contents(disk);
      /** Bytes that are safe after so many events, and bytes that may be either. */
      const promises = [{ events: 0, bytes: expected.slice() }];
      for (const [turn, change] of list.entries()) {
        apply(disk, expected, change, turn + 1);
        if (change.kind === 'flush') promises.push({ events: file.events.length, bytes: expected.slice() });
      }
      const events = file.events.slice(0, Math.floor(moment * (file.events.length + 1)));
      // Killed: what was written is there. Power: of what was not flushed, anything.
      const survives = (index: number) => order || ((index * 2654435761 + seed) >>> 7) % 2 === 0;
      const after = afterFailure(first, events, survives);
      // Nothing that is used counts as free.
      leaks(after);
      const promised = promises.findLast((promise) => promise.events <= events.length);
      const untouched = touchedSince(list, promises.indexOf(promised ?? promises[0]), size);
      const again = open(after, backing);
      const got = contents(again);
      for (let at = 0; at < size; at++) {
        if (untouched[at] === 0 && got[at] !== promised?.bytes[at])
          throw new Error(`byte ${at} is ${got[at]}, was ${promised?.bytes[at]}`);
      }
      // Clusters that unfinished work used up are found by the mark in the header.
      again.write(0, Uint8Array.of(1));
      again.close();
      expect(leaks(after)).toEqual([]);
    };
    const below = fc.oneof(fc.constant(0), fc.integer({ min: 50_000, max: 102_400 }));
    const moment = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(fc.property(below, changes(20, 40_000), moment, fc.boolean(), fc.nat(), body), {
      numRuns: 150,
    });
  });
});

/** Which bytes were changed after the flush of that number, 0 being the start. */
function touchedSince(list: readonly Parameters<typeof apply>[2][], flush: number, size: number): Uint8Array {
  const touched = new Uint8Array(size);
  let flushes = 0;
  for (const change of list) {
    if (change.kind === 'flush') flushes++;
    else if (flushes >= flush) {
      const unit = change.aligned ? 4096 : 1;
      const first = Math.floor((change.at * size) / unit) * unit;
      const bytes = Math.min(Math.ceil(change.bytes / unit) * unit, size - first);
      touched.fill(1, first, first + bytes);
    }
  }
  return touched;
}

describe('errors of the host', () => {
  test('leave the image whole, and are over when the host works again', () => {
    let room = Number.POSITIVE_INFINITY;
    class Full extends MemoryImage {
      override write(offset: number, from: Uint8Array): void {
        if (offset + from.length > room) throw new Error('no space left on device');
        super.write(offset, from);
      }
    }
    const file = new Full();
    createQcow2(file, { size: 1 << 20, clusterBits: 12 });
    const disk = open(file);
    const expected = contents(disk);
    expected.set(pattern(10_000));
    disk.write(0, pattern(10_000));
    disk.flush();
    room = file.length;
    expect(() => disk.write(500_000, pattern(9000))).toThrow('no space left');
    disk.flush();
    expectSame(contents(disk), expected);
    expect(leaks(file)).toEqual([]);
    room = Number.POSITIVE_INFINITY;
    disk.write(500_000, pattern(9000));
    expected.set(pattern(9000), 500_000);
    disk.close();
    expectSame(contents(open(file)), expected);
    expect(leaks(file)).toEqual([]);
  });
});

describe('images that are refused', () => {
  const changed = (at: number, value: number) => {
    const file = create(1 << 20, 12);
    new DataView(file.bytes.buffer).setUint32(at, value);
    return file;
  };
  test.each([
    ['another version', FIELD.VERSION, 4, 'version 4'],
    ['encryption', FIELD.ENCRYPTION, 2, 'encrypted'],
    ['clusters too small', FIELD.CLUSTER_BITS, 8, '2^8'],
    ['clusters too large', FIELD.CLUSTER_BITS, 22, '2^22'],
    ['a data file', FIELD.INCOMPATIBLE + 4, 4, 'another file'],
    ['subclusters', FIELD.INCOMPATIBLE + 4, 16, 'extended L2'],
    ['a feature of later', FIELD.INCOMPATIBLE, 1, 'not known'],
    ['a table that is none', FIELD.L1_OFFSET + 4, 100, 'no cluster'],
    ['a table beyond all', FIELD.L1_ENTRIES, 0xffff_ffff, 'the most that is possible'],
    ['a table too short', FIELD.L1_ENTRIES, 0, 'too short'],
    ['wide counts', FIELD.REFCOUNT_ORDER, 7, '2^7 bits'],
    ['a size beyond 2^53', FIELD.SIZE, 0x8000_0000, 'beyond 2^53'],
    ['a header too long', FIELD.HEADER_BYTES, 107, 'header of 107'],
    ['a backing name elsewhere', FIELD.BACKING_OFFSET + 4, 4095, undefined],
  ])('%s', (_, at, value, why) => {
    const file = changed(at, value);
    if (why === undefined) new DataView(file.bytes.buffer).setUint32(FIELD.BACKING_BYTES, 100);
    expect(() => open(file)).toThrow(ImageError);
    expect(() => open(file)).toThrow(why ?? 'too long');
  });

  test('a corrupt one can be read', () => {
    const file = changed(FIELD.INCOMPATIBLE + 4, 2);
    expect(() => open(file)).toThrow('corrupt');
    expectSame(contents(open(file, undefined, true)), new Uint8Array(1 << 20));
  });
});

/** A file that cannot be longer, as those of every file system at some length. */
class SmallDisk extends MemoryImage {
  override write(offset: number, from: Uint8Array): void {
    if (offset + from.length > 2 ** 26) throw new Error('file too large');
    super.write(offset, from);
  }
}

test('whatever is in an image, it is refused or used, and takes no time', () => {
  const damage = fc.record({
    // Mostly in the tables, which are the first four clusters and those behind.
    at: fc.oneof(fc.nat(120), fc.nat(8 * 512)),
    value: fc.oneof(
      fc.nat(0xffff_ffff),
      fc.constantFrom(0, 0x8000_0000, 0xc000_0000, 0xffff_ffff),
      fc.nat(20),
    ),
  });
  const body = (damages: { at: number; value: number }[], list: Parameters<typeof apply>[2][]) => {
    const file = new SmallDisk();
    createQcow2(file, { size: 1 << 20, clusterBits: 9 });
    const made = open(file);
    made.write(0, pattern(20_000));
    made.close();
    for (const { at, value } of damages) new DataView(file.bytes.buffer).setUint32(at, value);
    try {
      const disk = open(file);
      // A header may make it any size.
      const expected = new Uint8Array(2 << 20);
      for (const [turn, change] of list.entries()) {
        try {
          if (disk.size < 4 << 20) apply(disk, expected.subarray(0, disk.size), change, turn + 1);
          disk.read(0, new Uint8Array(Math.min(disk.size, 100_000)));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(TypeError);
        }
      }
      disk.close();
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(TypeError);
    }
  };
  fc.assert(fc.property(fc.array(damage, { minLength: 1, maxLength: 6 }), changes(6, 20_000), body), {
    numRuns: 1000,
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryStorage } from '../../test/storage/memory-storage.ts';
import { contents, cut, expectSame } from '../../test/storage/qcow2-model.ts';
import { Overlay } from './overlay.ts';
import { checkRange } from './storage.ts';

const LARGEST = 5 * 4096;

test('reads what was written last, and never writes what it lies over', () => {
  const change = fc.record({
    offset: fc.nat(LARGEST),
    length: fc.oneof(fc.nat(40), fc.nat(LARGEST)),
    kind: fc.constantFrom('write', 'zero', 'discard', 'read'),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: LARGEST }),
      fc.array(change, { maxLength: 20 }),
      (size, changes) => {
        const original = Uint8Array.from({ length: size }, (_, index) => index * 7 + 1);
        const base = new MemoryStorage(original.slice());
        // The bytes that lie in the upper storage before are nobody's.
        const overlay = new Overlay(base, new MemoryStorage(new Uint8Array(size).fill(0xee)));
        const expected = original.slice();
        for (const [turn, { offset, length, kind }] of changes.entries()) {
          if (offset + length > size) continue;
          if (kind === 'write') {
            expected.fill(turn + 100, offset, offset + length);
            const data = expected.slice(offset, offset + length);
            if (turn % 2 === 0) overlay.write(offset, data);
            else overlay.writeParts(offset, cut(data));
          } else if (kind !== 'read') {
            expected.fill(0, offset, offset + length);
            overlay.zero(offset, length, kind === 'discard');
          }
          const got = new Uint8Array(length);
          overlay.read(offset, got);
          expect(got).toEqual(expected.subarray(offset, offset + length));
        }
        const all = new Uint8Array(size);
        overlay.read(0, all);
        expect(all).toEqual(expected);
        expectSame(contents(overlay), expected);
        expect(base.bytes).toEqual(original);
        const other = new Overlay(base, new MemoryStorage(new Uint8Array(size).fill(0xee)));
        for (const piece of overlay.changes()) other.takeChange(piece);
        expectSame(contents(other), expected);
        expect(base.bytes).toEqual(original);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  [0, 11],
  [10, 1],
  [-1, 2],
  [2 ** 60, 1],
  [Number.NaN, 1],
])('%d, %d is outside of ten bytes', (offset, bytes) => {
  expect(() => checkRange({ size: 10 }, offset, bytes)).toThrow(RangeError);
});

test('an upper storage that is too small is refused', () => {
  const [small, large] = [10, 11].map((size) => new MemoryStorage(new Uint8Array(size)));
  expect(() => new Overlay(large, small)).toThrow(RangeError);
});

test('changes that belong nowhere are refused', () => {
  const overlay = new Overlay(
    new MemoryStorage(new Uint8Array(8192)),
    new MemoryStorage(new Uint8Array(8192)),
  );
  const change = (place: number, bytes: number) => {
    const all = new Uint8Array(8 + bytes);
    new DataView(all.buffer).setFloat64(0, place, true);
    return all;
  };
  expect([...overlay.changes()]).toEqual([]);
  for (const piece of [
    new Uint8Array(7),
    change(-1, 1),
    change(8192, 1),
    change(0.5, 1),
    change(Number.NaN, 1),
  ])
    expect(() => overlay.takeChange(piece)).toThrow(RangeError);
});

import { expect, test } from 'vitest';
import { SparseStorage } from './sparse-storage.ts';

const MIB = 2 ** 20;

test('is zeroes until it is written, at any size', () => {
  const storage = new SparseStorage(2 ** 40, MIB);
  const into = new Uint8Array(200_000).fill(1);
  storage.read(2 ** 39 - 100_000, into);
  expect(into.every((byte) => byte === 0)).toBe(true);
  const from = Uint8Array.from({ length: 150_000 }, (_, index) => index % 251);
  storage.write(2 ** 39 - 75_000, from);
  storage.read(2 ** 39 - 100_000, into);
  expect(into.subarray(25_000, 175_000)).toEqual(from);
  expect(into.subarray(175_000).every((byte) => byte === 0)).toBe(true);
});

test('refuses what does not find room, and gives room back', () => {
  const storage = new SparseStorage(8 * MIB, MIB);
  storage.write(0, new Uint8Array(MIB).fill(7));
  expect(() => storage.write(4 * MIB, Uint8Array.of(1))).toThrow('no room for more than 1 MiB of changes');
  storage.zero(1000, MIB - 1000);
  storage.write(4 * MIB, new Uint8Array(MIB / 2).fill(8));
  const into = new Uint8Array(2000);
  storage.read(0, into);
  expect([into[999], into[1000]]).toEqual([7, 0]);
  expect(() => storage.read(8 * MIB - 1, new Uint8Array(2))).toThrow(RangeError);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK, type BlockStore } from './block-store.ts';
import { RecordImage } from './record-image.ts';

/** Blocks in memory, as a browser keeps them. */
class MemoryBlocks implements BlockStore {
  readonly kept = new Map<number, Uint8Array>();
  readonly #put = new Map<number, Uint8Array>();
  /** Whether the browser has no room. */
  full = false;
  bytes = 0;
  safe = true;

  length(): number {
    return this.bytes;
  }

  read(index: number): Uint8Array {
    return this.kept.get(index) ?? new Uint8Array();
  }

  put(index: number, bytes: Uint8Array): void {
    this.#put.set(index, bytes.slice());
  }

  commit(length: number, safe: boolean): void {
    const put = [...this.#put];
    this.#put.clear();
    if (this.full) throw new Error('no room');
    for (const [index, bytes] of put) this.kept.set(index, bytes);
    this.bytes = length;
    this.safe = safe;
  }
}

const reread = (blocks: MemoryBlocks): Uint8Array => {
  const image = new RecordImage(blocks);
  const all = new Uint8Array(image.length);
  image.read(0, all);
  return all;
};

const halves = (data: Uint8Array) => [data.subarray(0, data.length >> 1), data.subarray(data.length >> 1)];

/** `toEqual` takes seconds for so many. */
const firstDifference = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length ? one.findIndex((byte, index) => byte !== other[index]) : 'the length';

const change = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: 5 * BLOCK }), fc.constantFrom(0, BLOCK, 2 * BLOCK)),
  bytes: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 3 * BLOCK })),
  kind: fc.constantFrom('write', 'write', 'writeParts', 'flush', 'open'),
});

describe('an image in records', () => {
  test('is what was written, in memory and when it is opened again', () => {
    const body = (list: readonly { at: number; bytes: number; kind: string }[]) => {
      const blocks = new MemoryBlocks();
      let image = new RecordImage(blocks);
      let expected = new Uint8Array();
      for (const [turn, { at, bytes, kind }] of list.entries()) {
        if (kind === 'flush' || kind === 'open') image.flush();
        if (kind === 'open') image = new RecordImage(blocks);
        if (!kind.startsWith('write')) continue;
        const data = new Uint8Array(bytes).fill(turn + 1);
        const larger = new Uint8Array(Math.max(expected.length, at + bytes));
        larger.set(expected);
        larger.set(data, at);
        expected = larger;
        if (kind === 'write') image.write(at, data);
        else image.writeParts(at, halves(data));
      }
      const got = new Uint8Array(expected.length + 100).fill(0xff);
      image.readParts(0, [got.subarray(0, 1000), got.subarray(1000)]);
      expect(image.length).toBe(expected.length);
      expect(firstDifference(got.subarray(0, expected.length), expected)).toBe(-1);
      expect(got.subarray(expected.length).every((byte) => byte === 0)).toBe(true);
      image.flush();
      expect(firstDifference(reread(blocks), expected)).toBe(-1);
      expect(blocks.safe).toBe(true);
    };
    fc.assert(fc.property(fc.array(change, { maxLength: 12 }), body), { numRuns: 40 });
  });

  test('keeps 16 MiB in memory, and makes what it had to write before safe with the next flush', () => {
    const blocks = new MemoryBlocks();
    const image = new RecordImage(blocks);
    for (let index = 0; index < 256; index++) image.write(index * BLOCK, Uint8Array.of(index));
    expect(blocks.kept.size).toBe(0);
    image.write(256 * BLOCK, Uint8Array.of(1));
    expect(blocks.kept.size).toBe(256);
    expect(blocks.safe).toBe(false);
    image.flush();
    expect(blocks.kept.size).toBe(257);
    expect(blocks.safe).toBe(true);
    // Nothing has changed.
    blocks.safe = false;
    image.flush();
    expect(blocks.safe).toBe(false);
  });

  test('loses nothing when the browser had no room for a while', () => {
    const blocks = new MemoryBlocks();
    const image = new RecordImage(blocks);
    image.write(0, Uint8Array.of(1, 2));
    blocks.full = true;
    expect(() => image.flush()).toThrow('no room');
    expect(() => {
      for (let index = 1; index < 300; index++) image.write(index * BLOCK, Uint8Array.of(3));
    }).toThrow('no room');
    const { length } = image;
    blocks.full = false;
    image.flush();
    const again = reread(blocks);
    expect(again.length).toBe(length);
    expect([...again.subarray(0, 3), again[255 * BLOCK]]).toEqual([1, 2, 0, 3]);
  });
});

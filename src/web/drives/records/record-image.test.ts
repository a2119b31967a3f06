import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK, type BlockStore } from './block-store.ts';
import { RecordImage } from './record-image.ts';

/** Blocks in memory, as the records' thread has them. */
class MemoryBlocks implements BlockStore {
  readonly kept = new Map<number, Uint8Array>();
  /** Whether the browser has no room. */
  full = false;
  bytes = 0;
  flushes = 0;
  puts = 0;

  length(): number {
    return this.bytes;
  }

  read(index: number): Uint8Array {
    return this.kept.get(index) ?? new Uint8Array();
  }

  put(index: number, bytes: Uint8Array): void {
    if (this.full) throw new Error('no room');
    this.kept.set(index, bytes.slice());
    this.bytes = Math.max(this.bytes, index * BLOCK + bytes.length);
    this.puts++;
  }

  flush(): void {
    this.flushes++;
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
      // Without a flush: a page can be left at any time.
      expect(firstDifference(reread(blocks), expected)).toBe(-1);
    };
    fc.assert(fc.property(fc.array(change, { maxLength: 12 }), body), { numRuns: 40 });
  });

  test('hands each block on once, whatever pieces it comes in', () => {
    const blocks = new MemoryBlocks();
    const image = new RecordImage(blocks);
    image.writeParts(
      0,
      Array.from({ length: 40 }, (_, index) => new Uint8Array(4096).fill(index + 1)),
    );
    expect(blocks.puts).toBe(3);
    expect(blocks.kept.get(2)?.length).toBe(8 * 4096);
    image.flush();
    expect(blocks.flushes).toBe(1);
  });

  test('is as it was before a write that failed', () => {
    const blocks = new MemoryBlocks();
    const image = new RecordImage(blocks);
    image.write(0, Uint8Array.of(1, 2, 3));
    blocks.full = true;
    expect(() => image.write(1, Uint8Array.of(9))).toThrow('no room');
    const got = new Uint8Array(3);
    image.read(0, got);
    expect([...got]).toEqual([1, 2, 3]);
  });
});

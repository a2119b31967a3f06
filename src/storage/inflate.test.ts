import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inflate } from './inflate.ts';

/** Bytes with repetitions near and far. */
const contents = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(255), fc.nat(70_000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
      fc.constant(new TextEncoder().encode('a disk of a guest, in a page, ')),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));
const packing = fc.record({
  level: fc.nat(9),
  // Filtered, by symbols alone, by runs, and with the fixed code.
  strategy: fc.nat(4),
});

test('gives back what zlib has packed, whatever comes behind it', () => {
  fc.assert(
    fc.property(contents, packing, fc.uint8Array({ maxLength: 9 }), (bytes, options, behind) => {
      const packed = Buffer.concat([deflateRawSync(bytes, options), behind]);
      expect(Buffer.compare(inflate(packed, bytes.length), bytes)).toBe(0);
      if (bytes.length > 0) expect(() => inflate(packed, bytes.length - 1)).toThrow(RangeError);
    }),
    { numRuns: 60 },
  );
});

test('takes for damaged what zlib does, and never more than its bound', () => {
  const outcome = (work: () => Uint8Array) => {
    try {
      return Buffer.from(work()).toString('hex');
    } catch {
      return 'damaged';
    }
  };
  const most = 4096;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const ours = outcome(() => inflate(bytes, most));
      expect(ours).toBe(outcome(() => inflateRawSync(bytes, { maxOutputLength: most })));
    }),
    { numRuns: 2000 },
  );
});

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { inflateGzip } from './gzip.ts';

it('unpacks all that gzip packs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (data) => {
      expect(await inflateGzip(gzipSync(data), 'x')).toEqual(data);
    }),
    { numRuns: 20 },
  );
});

it('names the file when the data is cut short or damaged', async () => {
  const packed = gzipSync(new Uint8Array(10_000).map((_, index) => (index * 7919) >> 3));
  const damaged = Uint8Array.from(packed);
  damaged[packed.length - 6] ^= 0xff;
  for (const bytes of [packed.subarray(0, packed.length / 2), damaged]) {
    const failure = inflateGzip(bytes, 'Image.gz');
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(/^Image\.gz is gzip data that is damaged or cut short/);
  }
});

it('refuses data that unpacks to more than it may', async () => {
  const packed = gzipSync(new Uint8Array(5000));
  expect(await inflateGzip(packed, 'x', 5000)).toHaveLength(5000);
  await expect(inflateGzip(packed, 'x', 4999)).rejects.toThrow(/^x unpacks to more than 4999 bytes/);
});

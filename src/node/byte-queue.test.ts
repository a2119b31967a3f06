import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

test('bytes come out as they went in, however they were cut', () => {
  const sizes = fc.array(fc.oneof(fc.nat(5), fc.nat(40_000)), { maxLength: 12 });
  fc.assert(
    fc.property(sizes, sizes, (pushes, drops) => {
      const queue = new ByteQueue();
      let put = 0;
      let taken = 0;
      const take = (most: number) => {
        const bytes = queue.first().subarray(0, most);
        expect(bytes.every((byte, index) => byte === (taken + index) % 251)).toBe(true);
        queue.drop(bytes.length);
        taken += bytes.length;
      };
      for (const [index, size] of pushes.entries()) {
        queue.push(Uint8Array.from({ length: size }, (_, at) => (put + at) % 251));
        put += size;
        take(drops[index] ?? 0);
        expect(queue.length).toBe(put - taken);
      }
      while (queue.length > 0) take(1000);
      expect([taken, queue.first().length]).toEqual([put, 0]);
    }),
    { numRuns: 50 },
  );
});

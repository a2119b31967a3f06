import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CpuQuota } from './cpu-quota.ts';

const MS = 10_000;
const PERIOD = 100 * MS;

test('a pCPU that always wants to run gets its share', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.array(fc.integer({ min: 1, max: 2 * MS }), { minLength: 50, maxLength: 200 }),
      (share, stays) => {
        let now = 12_345;
        const quota = new CpuQuota(share, () => now);
        const start = now;
        let ran = 0;
        for (const stay of stays) {
          const rest = quota.rest();
          now += Math.ceil(rest * MS);
          expect(quota.rest()).toBe(0);
          quota.begin();
          now += stay;
          ran += stay;
          quota.end();
        }
        // One stay more than it has, and what it begins with.
        expect(ran).toBeLessThanOrEqual(share * (now - start) + share * PERIOD + 2 * MS + 1);
      },
    ),
  );
});

test('sleep is not counted, and is not saved for more than a period', () => {
  let now = 0;
  const quota = new CpuQuota(0.5, () => now);
  now = 100 * PERIOD;
  expect(quota.spent).toBe(false);
  quota.begin();
  now += PERIOD - 1;
  expect(quota.spent).toBe(false);
  now += 2;
  expect(quota.spent).toBe(true);
  quota.end();
  // 2 ms at half the speed, and the tick too much.
  expect(quota.rest()).toBeCloseTo(4, 2);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pace } from './pace.ts';

describe('Pace', () => {
  test('comes to know how fast a hart is, whatever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), (perTick) => {
        const pace = new Pace();
        let now = 0;
        for (let round = 0; round < 60; round++) {
          const fuel = pace.start(now, 100_000);
          now += Math.max(1, Math.round(fuel / perTick));
          pace.finish(now, fuel);
        }
        // It learns in steps; stays of less than 50 us teach nothing.
        const ratio = pace.start(now, 100_000) / (100_000 * perTick);
        expect(ratio).toBeGreaterThan(0.9);
        expect(ratio).toBeLessThan(1.1);
        expect(pace.rate / (perTick * 1e7)).toBeCloseTo(ratio, 3);
      }),
    );
  });

  test('gives a number of instructions that a hart can be asked for', () => {
    const ticks = fc.oneof(fc.integer(), fc.double({ noNaN: true }));
    fc.assert(
      fc.property(ticks, (duration) => {
        const fuel = new Pace().start(0, duration);
        expect(fuel).toBeGreaterThanOrEqual(1);
        expect(fuel).toBeLessThanOrEqual(2 ** 30);
        expect(Number.isInteger(fuel)).toBe(true);
      }),
    );
  });

  test('does not learn from stays that were too short to say anything', () => {
    const pace = new Pace();
    const before = pace.rate;
    pace.start(0, 1000);
    pace.finish(10, 100_000);
    pace.start(0, 1000);
    pace.finish(100_000, 3);
    expect(pace.rate).toBe(before);
  });
});

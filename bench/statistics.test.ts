import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { geometricMean, median, ratioOfTurns } from './statistics.ts';

const times = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 9 });

describe('median', () => {
  test('takes the middle of an odd number of samples, by value and not as text', () => {
    expect(median([100, 9, 20])).toBe(20);
  });

  test('takes the mean of the middle two', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  test('leaves the samples as they were', () => {
    const samples = [3, 1, 2];
    median(samples);
    expect(samples).toEqual([3, 1, 2]);
  });

  test('has as many samples below as above', () => {
    fc.assert(
      fc.property(times, (samples) => {
        const middle = median(samples);
        const below = samples.filter((sample) => sample < middle).length;
        const above = samples.filter((sample) => sample > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(samples.length / 2);
      }),
    );
  });

  test('needs a sample', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('geometricMean', () => {
  test('twice as fast and half as fast cancel out', () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
    expect(geometricMean([1, 10, 100])).toBeCloseTo(10, 12);
  });

  test('is turned over when every ratio is', () => {
    fc.assert(
      fc.property(times, (ratios) => {
        const turned = geometricMean(ratios.map((ratio) => 1 / ratio));
        expect(turned * geometricMean(ratios)).toBeCloseTo(1, 9);
      }),
    );
  });

  test.each([0, -1, Number.NaN])('refuses %d', (wrong) => {
    expect(() => geometricMean([1, wrong])).toThrow(RangeError);
  });
});

describe('ratioOfTurns', () => {
  test('divides the medians, and shows the extremes of single turns', () => {
    expect(ratioOfTurns([2, 9, 4], [1, 3, 4])).toEqual({ median: 4 / 3, min: 1, max: 3 });
  });

  test('load that slows both sides of a turn alike does not widen the spread', () => {
    const { min, max } = ratioOfTurns([2, 20, 4], [1, 10, 2]);
    expect([min, max]).toEqual([2, 2]);
  });

  test('refuses series of different length', () => {
    expect(() => ratioOfTurns([1], [1, 2])).toThrow(RangeError);
  });
});

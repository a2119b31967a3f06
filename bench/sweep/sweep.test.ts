import { describe, expect, test } from 'vitest';
import { findSteps } from './sweep.ts';

const point = (series: string, size: number, speed: number, label = 'hartvisor', seconds = 1 / speed) => ({
  ...{ name: `${series}-${size}`, series, label, speed, seconds },
});

describe('a step', () => {
  test('is a point far below the best one before it', () => {
    const speeds = [point('a', 1, 1), point('a', 2, 1.2), point('a', 3, 0.3), point('a', 4, 1)];
    expect(findSteps(speeds)).toEqual(["A step: a-3 has 0.30 of QEMU's speed, a-2 1.20 (hartvisor)."]);
  });

  test('is none between series or contenders, nor where it becomes faster', () => {
    const speeds = [point('a', 1, 3), point('a', 1, 0.2, 'interp'), point('b', 1, 0.5), point('b', 2, 4)];
    expect(findSteps(speeds)).toEqual([]);
  });

  test('is none if QEMU alone becomes faster', () => {
    expect(findSteps([point('a', 1, 3, 'hartvisor', 1), point('a', 2, 0.7, 'hartvisor', 1.2)])).toEqual([]);
  });
});

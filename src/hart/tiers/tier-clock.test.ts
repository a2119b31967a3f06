import { expect, test } from 'vitest';
import { TierClock } from './tier-clock.ts';

/** Intervals between samples: milliseconds, and how many instructions compiled code retires in them. */
function timesOf(intervals: readonly (readonly [milliseconds: number, retired: number])[]) {
  const times = { running: 0, interpreting: 0 };
  let now = 0;
  const counters = {
    retired: 0,
    add: (name: string, by: number) => {
      times[name as keyof typeof times] += by;
    },
  };
  const clock = new TierClock(counters, () => now);
  for (const [milliseconds, retired] of intervals) {
    clock.sample();
    now += milliseconds;
    counters.retired += retired;
  }
  return times;
}

const steady = (milliseconds: number, retired: number) =>
  Array.from({ length: 6400 }, () => [milliseconds, retired] as const);

test('time is that of compiled code if that has retired most instructions', () => {
  const compiled = timesOf(steady(0.01, 8192));
  expect(compiled.running).toBeCloseTo(64);
  expect(compiled.interpreting).toBe(0);
  const interpreted = timesOf(steady(0.005, 100));
  expect(interpreted.interpreting).toBeCloseTo(32);
  expect(interpreted.running).toBe(0);
});

test('time asleep is that of neither', () => {
  expect(timesOf(steady(5, 0))).toEqual({ running: 0, interpreting: 0 });
});

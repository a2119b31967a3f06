import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveClock } from './live-clock.ts';
import { clamp, LEAST_SPAN, pinch, reveal, spanText, ticks, timeAt, zoom } from './view.ts';

const view = fc.record({
  start: fc.double({ min: -1e4, max: 1e6, noNaN: true }),
  span: fc.double({ min: LEAST_SPAN, max: 1e5, noNaN: true }),
});
const part = fc.double({ min: 0, max: 1, noNaN: true });

test('a zoom leaves the time under the pointer where it is', () => {
  fc.assert(
    fc.property(view, part, fc.double({ min: 0.1, max: 10, noNaN: true }), (before, at, factor) => {
      const after = zoom(before, factor, at, 1e9);
      expect(after.span).toBeGreaterThanOrEqual(LEAST_SPAN);
      expect(Math.abs(timeAt(after, at) - timeAt(before, at))).toBeLessThan(1e-6);
    }),
  );
});

/** Two places in the picture, from left to right. */
const hands = fc
  .tuple(fc.double({ min: 0, max: 0.45, noNaN: true }), fc.double({ min: 0.55, max: 1, noNaN: true }))
  .map(([left, right]): [number, number] => [left, right]);

test('two fingers keep the times that they took hold of', () => {
  fc.assert(
    fc.property(view, hands, hands, (before, took, now) => {
      const after = pinch(before, took, now, 1e9);
      fc.pre(after.span > LEAST_SPAN);
      const slack = 1e-5 * (1 + before.span);
      expect(Math.abs(timeAt(after, now[0]) - timeAt(before, took[0]))).toBeLessThan(slack);
      expect(Math.abs(timeAt(after, now[1]) - timeAt(before, took[1]))).toBeLessThan(slack);
    }),
  );
});

test('a view stays at what there is', () => {
  const time = fc.double({ min: 0, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(view, time, time, (before, earliest, more) => {
      const latest = earliest + more;
      const after = clamp(before, earliest, latest);
      const slack = 1e-6 * (1 + after.span + latest);
      expect(after.span).toBe(before.span);
      // Something of what there is is in sight, and a tenth of the picture at most lies behind it.
      expect(after.start).toBeLessThanOrEqual(latest + slack);
      expect(after.start + after.span).toBeGreaterThanOrEqual(earliest - slack);
      expect(after.start + 0.9 * after.span).toBeLessThanOrEqual(latest + slack);
      expect(Math.abs(clamp(after, earliest, latest).start - after.start)).toBeLessThan(slack);
    }),
  );
});

test('a time is revealed, and one that is in sight moves nothing', () => {
  const before = { start: 10, span: 100 };
  expect(reveal(before, 50)).toBe(before);
  expect(reveal(before, 500)).toEqual({ start: 450, span: 100 });
});

test('the lines of a scale are round, and not too many', () => {
  fc.assert(
    fc.property(view, fc.integer({ min: 1, max: 30 }), (shown, most) => {
      const { first, step } = ticks(shown, most);
      expect(step).toBeGreaterThan(0);
      expect(shown.span / step).toBeLessThanOrEqual(most + 1e-6);
      expect(first).toBeGreaterThanOrEqual(shown.start - 1e-6 * step);
    }),
  );
});

test('lengths of time for people', () => {
  expect([0.0005, 0.0123, 1.5, 123.4, 61_000].map(spanText)).toEqual([
    '500 ns',
    '12.3 µs',
    '1.5 ms',
    '123 ms',
    '61 s',
  ]);
});

test('the live edge never goes back, never passes what has come, and runs at the speed of time', () => {
  const clock = new LiveClock();
  let last = 0;
  for (let now = 1000, sent = 0; now < 3000; now += 16) {
    // Batches of 50 ms, of which some are late by up to 90 ms.
    const late = now % 7 === 0 ? 90 : 5;
    if (now - late - sent >= 50) {
      sent = now - late;
      clock.arrived(now, sent - 900);
    }
    const time = clock.time(now);
    expect(time).toBeGreaterThanOrEqual(last);
    expect(time).toBeLessThanOrEqual(Math.max(0, sent - 900));
    last = time;
  }
  expect(last).toBeGreaterThan(1900);
});

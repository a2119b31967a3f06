import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { PerfettoWriter } from '../perfetto.ts';
import { Spread } from './spread.ts';
import { TraceSummarizer, type TraceSummary } from './summary.ts';
import { TimeOrder } from './time-order.ts';

const US = 1000;

/** In pieces of some bytes. */
function summarize(bytes: Uint8Array, piece = 7): TraceSummary {
  const summarizer = new TraceSummarizer();
  for (let at = 0; at < bytes.length; at += piece) summarizer.take(bytes.subarray(at, at + piece));
  return summarizer.end();
}

/** A vCPU with two states, one within the other, and interrupts; it is told late of the first one. */
function trace(): Uint8Array {
  const out = new PerfettoWriter();
  out.track({ id: 9, name: 'vCPU 1' });
  out.track({ id: 8, name: 'vCPU 0' });
  out.begin(8, 10 * US, 'guest');
  out.begin(8, 12 * US, 'inner');
  out.end(8, 15 * US);
  out.instant(8, 16 * US, 'software interrupt', { ends: [1] });
  out.end(8, 20 * US);
  out.begin(8, 20 * US, 'guest');
  out.end(8, 21 * US);
  out.instant(9, 11 * US, 'set software interrupt of vCPU 0', { flows: [1] });
  out.instant(9, 17 * US, 'set software interrupt of vCPU 0', { flows: [2] });
  out.instant(8, 18 * US, 'software interrupt', { flows: [2], ends: [2] });
  return out.take().slice();
}

describe('the summary of a trace', () => {
  test('says how long each state was there, and how long interrupts were on their way', () => {
    const { events, nanoseconds, tracks, ways } = summarize(trace());
    expect([events, nanoseconds]).toEqual([10, 11 * US]);
    expect(tracks).toEqual([
      {
        name: 'vCPU 0',
        states: [
          { name: 'guest', times: 2, nanoseconds: 8 * US },
          { name: 'inner', times: 1, nanoseconds: 3 * US },
        ],
        marks: [{ name: 'software interrupt', times: 2 }],
      },
      { name: 'vCPU 1', states: [], marks: [{ name: 'set software interrupt of vCPU 0', times: 2 }] },
    ]);
    const [way] = ways;
    expect(ways).toHaveLength(1);
    expect(way).toMatchObject({
      from: 'set software interrupt of vCPU N',
      to: 'software interrupt',
      times: 2,
    });
    expect(way.longest).toBe(5 * US);
    expect(Math.abs(way.median / (1 * US) - 1)).toBeLessThan(0.05);
  });

  test('is the same in pieces of any size', () => {
    const whole = summarize(trace(), 1 << 20);
    for (const piece of [1, 2, 3, 64]) expect(summarize(trace(), piece)).toEqual(whole);
  });

  test('of a damaged file is a mistake of the user, or another summary', () => {
    const bytes = trace();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const changed = bytes.slice(0, length);
        if (at < length) changed[at] = value;
        try {
          summarize(changed, 1 << 16);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 500 },
    );
    expect(() => summarize(bytes.subarray(0, bytes.length - 1))).toThrow(InputError);
    expect(() => summarize(new TextEncoder().encode('{"a": 1}'))).toThrow(InputError);
  });
});

test('things come in the order of their times, and those of equal times as they came', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const seen: { time: number; index: number }[] = [];
      const order = new TimeOrder<{ time: number; index: number }>(1000, (each) => seen.push(each));
      for (const [index, time] of times.entries()) order.add({ time, index });
      order.end();
      expect(seen).toEqual(
        times.map((time, index) => ({ time, index })).sort((a, b) => a.time - b.time || a.index - b.index),
      );
    }),
  );
});

test('a spread knows its quantiles within 5 %', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, share) => {
        const spread = new Spread();
        for (const each of all) spread.add(each);
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * all.length) - 1)];
        expect(Math.abs(spread.quantile(share) / exact - 1)).toBeLessThan(0.05);
      },
    ),
  );
});

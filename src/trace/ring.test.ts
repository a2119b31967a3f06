import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Merger } from './merger.ts';
import { createTrace, RecordBatch, RingReader, RingWriter } from './ring.ts';
import { KIND, RING, TRACE } from './words.ts';

/** The contents of a record, for comparisons. */
function contentOf(record: RecordBatch): readonly number[] {
  return [record.kind, record.subject, record.time, record.a, record.b, record.c, record.d, record.e];
}

function takeAll(batch: RecordBatch): (readonly number[])[] {
  const taken = [];
  for (; batch.length > 0; batch.advance()) taken.push(contentOf(batch));
  return taken;
}

describe('a ring', () => {
  test('gives every record once and in order, or says how many are missing and where', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 40 }) }) },
        { weight: 2, arbitrary: fc.record({ read: fc.integer({ min: 1, max: 40 }) }) },
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(2, 4, 8, 32), fc.integer(), (all, records, startAt) => {
        const place = createTrace(1, records);
        // As if 2^32 records had been written before: counts go round.
        const words = new Int32Array(place.buffer);
        words[TRACE.words + RING.word.head] = startAt;
        words[TRACE.words + RING.word.tail] = startAt;
        const writer = new RingWriter(place, 0);
        const reader = new RingReader(place, 0);
        let written = 0;
        const seen: (readonly number[])[] = [];
        const read = (room: number) => {
          const batch = new RecordBatch(room);
          reader.read(batch);
          seen.push(...takeAll(batch));
        };
        for (const step of all) {
          if ('read' in step) read(step.read);
          else for (let left = step.write; left > 0; left--) writeNumbered(writer, ++written);
        }
        read(2 * records);
        let expected = 1;
        let missing = 0;
        for (const record of seen) {
          if (record[0] === KIND.lost) {
            expected += record[3] ?? 0;
            missing += record[3] ?? 0;
          } else {
            expect(record).toEqual(numbered(expected++));
          }
        }
        // Those that were lost last are not told in the ring, which was full.
        expect(reader.lost - missing).toBe(written + 1 - expected);
      }),
    );
  });

  test('loses nothing while it is read in time', () => {
    const place = createTrace(1, 8);
    const writer = new RingWriter(place, 0);
    const reader = new RingReader(place, 0);
    for (let number = 1; number < 100; number++) {
      writeNumbered(writer, number);
      const batch = new RecordBatch(1);
      reader.read(batch);
      expect(takeAll(batch)).toEqual([numbered(number)]);
    }
    expect(reader.lost).toBe(0);
  });

  test.each([0, 1, 3, 100, 2.5])('of %d records is refused', (records) => {
    expect(() => createTrace(1, records)).toThrow(RangeError);
  });
});

test('records of several rings come in the order of their times, and none twice', () => {
  const waits = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 3 }), fc.boolean()), { maxLength: 200 });
  fc.assert(
    fc.property(waits, (all) => {
      const place = createTrace(3, 256);
      const writers = [0, 1, 2].map((ring) => new RingWriter(place, ring));
      const merger = new Merger(place);
      const seen: [ring: number, time: number, number: number][] = [];
      const take = (ring: number, record: RecordBatch) => seen.push([ring, record.time, record.a]);
      let time = 0;
      for (const [number, [ring, wait, looks]] of all.entries()) {
        time += wait;
        writers[ring]?.write(KIND.kick, ring, time, number, 0, 0, 0, 0);
        if (looks) merger.drain(time, take);
      }
      merger.drain(Number.POSITIVE_INFINITY, take);
      expect(seen.map(([, at]) => at)).toEqual(seen.map(([, at]) => at).toSorted((a, b) => a - b));
      expect(seen.map(([, , number]) => number).toSorted((a, b) => a - b)).toEqual(
        all.map((_, number) => number),
      );
    }),
  );
});

function numbered(number: number): readonly number[] {
  return [KIND.kick, number, number / 8, number, -number, 3 * number, number ^ 0x55, ~number];
}

function writeNumbered(writer: RingWriter, number: number): void {
  const [kind, subject, time, a, b, c, d, e] = numbered(number) as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  writer.write(kind, subject, time, a, b, c, d, e);
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatWeakSchedule, parseWeakSchedule } from './weak-schedule.ts';

const NAMES = ['vCPU', 'S', 'S2'];
const WORDS = [{ name: 'irqs_pending' }, { name: 'irqs_pending[1]' }, { name: 'mail_S' }];

test('a schedule reads as it was written', () => {
  const access = fc.record({
    thread: fc.nat({ max: 2 }),
    choice: fc.nat({ max: 3 }),
    behind: fc.nat({ max: 2 }),
    promise: fc.constant(undefined),
    keeps: fc.boolean(),
  });
  const promise = fc.record({
    thread: fc.nat({ max: 2 }),
    choice: fc.constant(0),
    behind: fc.constant(0),
    promise: fc.record({ address: fc.nat({ max: 2 }), value: fc.integer() }),
    keeps: fc.constant(false),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(access, promise), { minLength: 1 }), (moves) => {
      expect(parseWeakSchedule(formatWeakSchedule(moves, NAMES, WORDS), NAMES, WORDS)).toEqual(moves);
    }),
  );
});

test.each(['X', 'S~', 'S^nothing=1', 'S^mail_S', 'vCPU*2*2', ''])('%j is no schedule', (text) => {
  expect(() => parseWeakSchedule(text, NAMES, WORDS)).toThrow('is not a move in this scenario');
});

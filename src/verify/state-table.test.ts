import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frontier } from './frontier.ts';
import { formatSchedule, parseSchedule } from './schedule.ts';
import { mixHigh, mixLow, StateTable } from './state-table.ts';
import { TransitionLog } from './transition-log.ts';

test('a table numbers new states in order and knows old ones, across growth', () => {
  const table = new StateTable();
  const count = 50_000;
  const insert = (n: number) => table.insert(mixLow(1, n), mixHigh(1, n), n - 1, n & 255);
  for (let n = 0; n < count; n++) expect(insert(n)).toBe(n);
  for (let n = 0; n < count; n += 7) expect(insert(n)).toBe(-1 - n);
  expect(table.count).toBe(count);
  expect(table.pathTo(3)).toEqual([1, 2, 3]);
  expect(table.bytes / count).toBeLessThan(40);
});

test('fingerprints of vectors that differ in one or two places differ', () => {
  const seen = new Set<string>();
  for (let a = 0; a < 300; a++) {
    for (let b = 0; b < 300; b++) {
      seen.add(`${mixLow(0, a) ^ mixLow(1, b)} ${mixHigh(0, a) ^ mixHigh(1, b)}`);
    }
  }
  expect(seen.size).toBe(90_000);
});

test('a frontier gives back vectors in order', () => {
  const frontier = new Frontier(2);
  const into = new Int32Array(2);
  let next = 0;
  for (let n = 0; n < 60_000; n++) {
    frontier.push(Int32Array.of(n, -n));
    if (n % 3 === 0) {
      frontier.shift(into);
      expect(into[0]).toBe(next++);
      expect(into[1]).toBe(1 - next);
    }
  }
});

test('a log marks the states from which a rest can be reached', () => {
  const log = new TransitionLog();
  for (const targets of [[1, 2], [3], [2, 4], [], [2]]) {
    for (const target of targets) log.add(target);
    log.endState();
  }
  const rests = Uint8Array.of(0, 0, 0, 1, 0);
  log.markRestful(rests);
  expect([...rests]).toEqual([1, 1, 0, 1, 0]);
  expect(log.successors(2)).toEqual([2, 4]);
});

test('a schedule is read as it was written', () => {
  const names = ['vCPU', 'S1', 'S2'];
  const move = fc.record({ thread: fc.nat(2), choice: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(move, { minLength: 1 }), (moves) => {
      expect(parseSchedule(formatSchedule(moves, names), names)).toEqual(moves);
    }),
  );
  expect(formatSchedule(parseSchedule('V*3.S1.V:1', names), names)).toBe('V*3.S1.V:1');
});

import { expect, test } from 'vitest';
import { Bus } from '../bus.ts';
import type { Finish } from '../descriptor.ts';
import { TestFinisher } from './device.ts';

const BASE = 0x10_0000;

function finishesOf(action: (bus: Bus) => void): Finish[] {
  const finishes: Finish[] = [];
  const bus = new Bus();
  bus.attach(BASE, new TestFinisher((finish) => finishes.push(finish)));
  action(bus);
  return finishes;
}

test.each<[number, 2 | 4, Finish[]]>([
  [0x5555, 4, [{ kind: 'pass' }]],
  [0x5555, 2, [{ kind: 'pass' }]],
  [0x7777, 4, [{ kind: 'reset' }]],
  [0x3333, 4, [{ kind: 'fail', code: 0 }]],
  [0xffff_3333, 4, [{ kind: 'fail', code: 0xffff }]],
  [0x0001_3333, 2, [{ kind: 'fail', code: 0 }]],
  [0x1_5555, 4, [{ kind: 'pass' }]],
  [0, 4, []],
  [0x5554, 4, []],
])('writing 0x%x in %i bytes', (value, width, expected) => {
  expect(finishesOf((bus) => expect(bus.write(BASE, width, value)).toBe(true))).toEqual(expected);
});

test('other offsets do nothing, single bytes and double words are not answered', () => {
  const finishes = finishesOf((bus) => {
    expect(bus.write(BASE + 4, 4, 0x5555)).toBe(true);
    expect(bus.write(BASE, 1, 0x55)).toBe(false);
    expect(bus.write(BASE, 8, 0x5555)).toBe(false);
    expect(bus.read(BASE, 4)).toBe(true);
    expect(bus.low).toBe(0);
  });
  expect(finishes).toEqual([]);
});

import { expect, test } from 'vitest';
import { nameField } from './contenders.ts';
import { speedsAgainst, takeTurns, timesAgainst } from './turns.ts';

const qemu = { program: 'q', version: '1' };
const field = nameField([qemu], [{ program: 'n', version: '2' }], ['a', 'b']);

test('everyone runs once in each turn, the yardstick first', async () => {
  const order: string[] = [];
  const samples = await takeTurns(field, 2, async ({ label }, turn) => {
    order.push(`${label}${turn}`);
    return turn;
  });
  expect(order).toEqual(['QEMU0', 'a0', 'b0', 'QEMU1', 'a1', 'b1']);
  expect(samples).toEqual({ QEMU: [0, 1], a: [0, 1], b: [0, 1] });
});

test('times and speeds are relative to the yardstick', () => {
  const samples = { QEMU: [2, 2], a: [4, 8], b: [1, 1] };
  const identity = (time: number) => time;
  const times = timesAgainst(field, samples, identity);
  expect(times).toEqual({ a: { median: 3, min: 2, max: 4 }, b: { median: 0.5, min: 0.5, max: 0.5 } });
  expect(speedsAgainst(field, samples, identity).a).toEqual({ median: 1 / 3, min: 1 / 4, max: 1 / 2 });
});

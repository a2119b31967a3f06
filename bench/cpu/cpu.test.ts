import { describe, expect, test } from 'vitest';
import { formatCpuResult, judge, readRun } from './cpu.ts';

const runs = (user: readonly number[], startUp = 0.5) =>
  user.map((time) => ({ startUp, user: time, wall: 2 * time }));
const both = (qemu: readonly number[], hartvisor: readonly number[]) => ({
  checksum: '0123456789abcdef',
  samples: { qemu: runs(qemu, 0.01), hartvisor: runs(hartvisor) },
});

describe('judge', () => {
  test('half of the time is twice the speed', () => {
    const { speed, wallSpeed } = judge('list', both([4], [2]));
    expect([speed.median, wallSpeed.median]).toEqual([2, 2]);
  });

  test('compares medians, and shows the extremes of single turns', () => {
    const { speed } = judge('list', both([1, 1, 1], [5, 4, 2]));
    expect(speed).toEqual({ median: 1 / 4, min: 1 / 5, max: 1 / 2 });
  });
});

describe('readRun', () => {
  const good = {
    output: 'start\r\nticks 0000000000989680\r\nchecksum 00000000deadbeef\r\n',
    ...{ status: 0, timedOut: false, user: 3, marker: { wall: 1, user: 0.75 } },
  };

  test('reads what the kernel printed, and takes the start off the CPU time', () => {
    const expected = { checksum: '00000000deadbeef', startUp: 0.75, user: 2.25, wall: 1 };
    expect(readRun(good, 'list on qemu')).toEqual(expected);
  });

  test.each([
    [{ ...good, status: 1 }, 'list on qemu ended with status 1; it printed: start'],
    [{ ...good, timedOut: true }, 'list on qemu did not end in time'],
    [{ ...good, output: 'start\nticks 12' }, 'it printed: start\nticks 12'],
    [{ ...good, output: '', marker: undefined }, 'it printed: nothing'],
    [{ ...good, marker: { wall: 1, user: undefined } }, '/proc'],
  ])('%j is no result', (run, message) => {
    expect(() => readRun(run, 'list on qemu')).toThrow(message);
  });
});

test('the table shows seconds and ratios without the start, their mean, and the start', () => {
  const kernels = [judge('list', both([1.5], [3])), judge('crc', both([1.5], [0.75]))];
  const setting = {
    ...{ date: '2026-01-02T03:04:05.000Z', qemu: 'QEMU 1', node: 'v24', processor: 'X' },
    ...{ processors: 2, load: [0.1, 0.2, 0.3] },
  };
  const text = formatCpuResult({ setting, kernels, geometricMean: 1 });
  expect(text).toContain('2026-01-02; QEMU 1; hartvisor on Node v24');
  const lines = text.split('\n').slice(-4);
  expect(lines.map((line) => line.replaceAll(/ {2,}/g, ' '))).toEqual([
    'list 1.50 3.00 0.50 0.50..0.50 0.50',
    'crc 1.50 0.75 2.00 2.00..2.00 2.00',
    'geometric mean 1.00',
    '(start-up) 0.01 0.50',
  ]);
});

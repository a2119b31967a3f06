import { describe, expect, test } from 'vitest';
import { nameField } from '../contenders.ts';
import { formatCpuResult, judge, readRun } from './cpu.ts';

const qemu = { program: 'q', version: 'QEMU 1' };
const node = { program: 'n', version: 'v24' };
const field = nameField([qemu], [node], []);

const runs = (user: readonly number[], startUp = 0.5) =>
  user.map((time) => ({ startUp, user: time, wall: 2 * time }));
const both = (qemu: readonly number[], hartvisor: readonly number[]) => ({
  checksum: '0123456789abcdef',
  samples: { QEMU: runs(qemu, 0.01), hartvisor: runs(hartvisor) },
});

describe('judge', () => {
  test('half of the time is twice the speed', () => {
    const { speed, wallSpeed } = judge('list', field, both([4], [2]));
    expect([speed.hartvisor?.median, wallSpeed.hartvisor?.median]).toEqual([2, 2]);
  });

  test('compares medians, and shows the extremes of single turns', () => {
    const { speed } = judge('list', field, both([1, 1, 1], [5, 4, 2]));
    expect(speed).toEqual({ hartvisor: { median: 1 / 4, min: 1 / 5, max: 1 / 2 } });
  });
});

describe('readRun', () => {
  const good = {
    output: 'start\r\nticks 0000000000989680\r\nchecksum 00000000deadbeef\r\n',
    ...{ status: 0, timedOut: false, user: 3, marker: { wall: 1, user: 0.75, system: 0 } },
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
    [{ ...good, marker: { wall: 1, user: undefined, system: undefined } }, '/proc'],
  ])('%j is no result', (run, message) => {
    expect(() => readRun(run, 'list on qemu')).toThrow(message);
  });
});

test('the table shows seconds and ratios without the start, their mean, and the start', () => {
  const kernels = [judge('list', field, both([1.5], [3])), judge('crc', field, both([1.5], [0.75]))];
  const contenders = [
    { label: 'QEMU', version: 'QEMU 1' },
    { label: 'hartvisor', version: 'Node v24' },
  ];
  const machine = { processor: 'X', processors: 2, load: [0.1, 0.2, 0.3] };
  const setting = { date: '2026-01-02T03:04:05.000Z', contenders, ...machine };
  const text = formatCpuResult({ setting, times: 5, kernels, geometricMeans: { hartvisor: 1 } });
  expect(text).toContain('load at the start 0.1 0.2 0.3\nQEMU: QEMU 1\nhartvisor: Node v24\n');
  const lines = text.split('\n').slice(-4);
  expect(lines.map((line) => line.replaceAll(/ {2,}/g, ' '))).toEqual([
    'list 1.50 3.00 0.50 0.50..0.50 0.50',
    'crc 1.50 0.75 2.00 2.00..2.00 2.00',
    'geometric mean 1.00',
    '(start-up) 0.01 0.50',
  ]);
});

test('the table has columns for each of several engines', () => {
  const engines = nameField([qemu], [node], ['jit', 'interp']);
  const samples = { QEMU: runs([2]), jit: runs([1]), interp: runs([4]) };
  const kernels = [judge('list', engines, { checksum: '', samples })];
  const contenders = [engines.yardstick, ...engines.others];
  const machine = { processor: 'X', processors: 2, load: [0, 0, 0] };
  const setting = { date: '2026-01-02T03:04:05.000Z', contenders, ...machine };
  const text = formatCpuResult({ setting, times: 5, kernels, geometricMeans: { jit: 2, interp: 0.5 } });
  const rows = text.split('\n').slice(-5);
  expect(rows[0]?.split(/ {2,}/)).toEqual([
    ...['kernel', 'QEMU s', 'jit s', 'speed', 'min..max', '(wall)'],
    ...['interp s', 'speed', 'min..max', '(wall)'],
  ]);
  expect(rows[2]?.replaceAll(/ {2,}/g, ' ')).toBe(
    'list 2.00 1.00 2.00 2.00..2.00 2.00 4.00 0.50 0.50..0.50 0.50',
  );
});

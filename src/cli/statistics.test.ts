import { expect, test } from 'vitest';
import { STAT, type Stat } from '../hypervisor/vcpu-layout.ts';
import { statisticsTable, type VcpuStatistics } from './statistics.ts';

const counters = (value: (index: number) => number) =>
  Object.fromEntries(STAT.map((name, index) => [name, value(index)])) as Record<
    Stat,
    number
  > as VcpuStatistics;

test('every counter of every vCPU is in the table, with the sum', () => {
  const table = statisticsTable([counters((index) => 1000 + index), counters((index) => 2_000_000 + index)]);
  for (const index of STAT.keys()) {
    const numbers = [1000 + index, 2_000_000 + index, 2_001_000 + 2 * index];
    const row = numbers.map((number) => number.toLocaleString('en-US')).join(' +');
    expect(table).toMatch(new RegExp(` ${row}$`, 'm'));
  }
});

test('columns have heads and are aligned to the right', () => {
  const lines = statisticsTable([counters(() => 7), counters(() => 123_456_789)]).split('\n');
  expect(lines[0]).toMatch(/^ +vCPU 0 +vCPU 1 +all$/);
  const rows = lines.filter((line) => /\d$/.test(line) && !line.includes('vCPU'));
  expect(rows).toHaveLength(STAT.length);
  expect(new Set(rows.map((line) => line.length))).toEqual(new Set([lines[0].length]));
});

import { expect, test } from 'vitest';
import { STAT, type Stat } from '../hypervisor/vcpu-layout.ts';
import { networkTable, regionTable, statisticsTable, type VcpuStatistics } from './statistics.ts';

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

test('what the network has dropped has a row for each reason', () => {
  const counts = { sent: 1200, received: 34, malformed: 1, refused: 2, overflow: 0 };
  expect(networkTable(counts).split('\n')).toEqual([
    'network                          frames',
    '  sent                            1,200',
    '  received                           34',
    'dropped',
    '  malformed                           1',
    '  to where the guest may not          2',
    '  because somebody was too slow       0',
  ]);
});

test('what was compiled has a column for each hart, and a row for each way out of a region', () => {
  const exits = { near: 1, far: 2, next: 3, nextFar: 4, resume: 5, indirect: 6 };
  const times = { longest: 0.75, running: 120.4, interpreting: 9 };
  const hart = {
    live: 2,
    compiled: 3,
    refused: 1,
    evicted: 0,
    memory: 51_200,
    bytes: 4096,
    instructions: 50,
    time: 1.6,
    retired: 1_234_567,
    exits,
    ...times,
  };
  expect(regionTable([hart, { ...hart, live: 0 }], 'pCPU').split('\n')).toEqual([
    'compiled code                                   pCPU 0     pCPU 1',
    '  regions now                                        2          0',
    '  regions compiled                                   3          3',
    '  regions that did not compile                       1          1',
    '  regions dropped to make room                       0          0',
    '  KiB of memory for them, about                     50         50',
    '  guest instructions in them                        50         50',
    '  KiB of WebAssembly                                 4          4',
    '  ms spent compiling                                 2          2',
    '  ms for one region, at most                       0.8        0.8',
    '  ms in compiled code, about                       120        120',
    '  ms in the interpreter, about                       9          9',
    '  instructions retired                       1,234,567  1,234,567',
    'left',
    '  by a jump within the page                          1          1',
    '  by a jump to another page                          2          2',
    '  where the region ends                              3          3',
    '  where the region ends, in another page             4          4',
    '  before an instruction for the interpreter          5          5',
    '  by a jump to a register                            6          6',
  ]);
});

import { expect, test } from 'vitest';
import { readOvercommitOptions } from '../options.ts';
import { script } from '../programs/bench.ts';
import { formatOvercommitResult, rowsOf } from './overcommit.ts';
import { overcommitWorks } from './works.ts';

const times = (boot: number, hackbench: number, make: number) =>
  new Map(Object.entries({ boot, hackbench, make }));

const runs = new Map([
  ['2 QEMU', [times(1, 10, 20), times(2, 10, 20)]],
  ['8 QEMU', [times(2, 5, 40), times(2, 20, 20)]],
  ['64 QEMU', [times(10, 20, 80), times(20, 20, 80)]],
]);

test('each work with each number of vCPUs is compared with the first number, by turns', () => {
  const rows = rowsOf('QEMU', [2, 8, 64], runs);
  expect(rows.map(({ vcpus, about, throughput }) => [vcpus, about, throughput.min, throughput.max])).toEqual([
    [8, 'boot to userspace', 0.5, 1],
    [8, overcommitWorks[0]?.about, 0.5, 2],
    [8, overcommitWorks[1]?.about, 0.5, 1],
    [64, 'boot to userspace', 0.1, 0.1],
    [64, overcommitWorks[0]?.about, 0.5, 0.5],
    [64, overcommitWorks[1]?.about, 0.25, 0.25],
  ]);
  const setting = { date: '2026-11-30', contenders: [], processor: 'P', processors: 2, load: [] };
  const text = formatOvercommitResult({ setting, pcpus: 2, fewest: 2, rows });
  expect(text).toMatch(/^QEMU, 64 vCPUs, boot to userspace +1\.5.* +15.* +0\.10 +0\.10\.\.0\.10$/m);
});

test('no script ends early what carries it into the guest', () => {
  expect(script(overcommitWorks).match(/^PROGRAM$/gm)).toHaveLength(overcommitWorks.length);
});

test('takes two numbers of vCPUs and more', () => {
  expect(readOvercommitOptions([])).toMatchObject({ smp: [2, 64], pcpus: 2, memory: '1G', runs: 3 });
  expect(readOvercommitOptions(['--smp', '1,4,8', '--pcpus', '1'])).toMatchObject({
    smp: [1, 4, 8],
    pcpus: 1,
  });
  expect(() => readOvercommitOptions(['--smp', '64'])).toThrow(
    '--smp 64: give at least two numbers, such as 2,64, to be compared.',
  );
});

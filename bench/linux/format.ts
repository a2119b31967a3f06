import { describeSetting } from '../setting.ts';
import { median, type Spread } from '../statistics.ts';
import { formatRatio, formatTable } from '../table.ts';
import type { LinuxRow } from './judge.ts';
import type { LinuxResult } from './linux.ts';

/** The result for people. */
export function formatLinuxResult({ setting, turns, rows, scaling, clockError }: LinuxResult): string {
  const [yardstick, ...others] = setting.contenders.map(({ label }) => label);
  const heads = others.flatMap((label) => [`${label} us`, 'time', 'min..max', '(CPU)']);
  const clocks = Object.entries(clockError).map(([label, error]) => `${label} ${(error * 100).toFixed(1)} %`);
  return [
    'Linux: guest time of an iteration relative to QEMU (below 1: faster than QEMU)',
    describeSetting(setting),
    `medians of ${turns} turns; furthest of a guest's clock from the wall's: ${clocks.join(', ')}`,
    '',
    formatTable([
      ['vCPUs, benchmark', `${yardstick} us`, ...heads],
      ...rows.map((row) => cellsOf(row, yardstick, others)),
    ]),
    ...(scaling.length === 0 ? [] : ['', 'Throughput of two processes on two vCPUs, one process: 1', '']),
    ...scaling.map(({ vcpus, label, throughput }) => {
      const { min, max } = throughput;
      return `${vcpus} vCPUs, ${label}: ${formatRatio(throughput.median)} (${range({ min, max })})`;
    }),
  ].join('\n');
}

function cellsOf(row: LinuxRow, yardstick: string, others: readonly string[]): readonly string[] {
  const own = (label: string) => microseconds(median(row.samples[label].map(({ guest }) => guest)));
  const cells = others.flatMap((label) => {
    const { [label]: time } = row.time as Readonly<Partial<Record<string, Spread>>>;
    const { [label]: cpu } = row.cpuTime as Readonly<Partial<Record<string, Spread>>>;
    if (time === undefined) return ['-', '-', '-', '-'];
    return [
      own(label),
      formatRatio(time.median),
      range(time),
      cpu === undefined ? '-' : formatRatio(cpu.median),
    ];
  });
  return [`${row.vcpus} ${row.benchmark}`, own(yardstick), ...cells];
}

function range({ min, max }: Pick<Spread, 'min' | 'max'>): string {
  return `${formatRatio(min)}..${formatRatio(max)}`;
}

function microseconds(seconds: number): string {
  const value = seconds * 1e6;
  return value < 100 ? value.toFixed(2) : value.toFixed(0);
}

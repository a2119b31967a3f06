import type { Stat } from '../hypervisor/vcpu-layout.ts';

/** Counters of one vCPU. */
export type VcpuStatistics = Readonly<Record<Stat, number>>;

const rows: readonly (readonly [
  heading: string,
  ...lines: readonly (readonly [label: string, stat: Stat])[],
])[] = [
  ['', ['instructions', 'instructions'], ['loads on a pCPU', 'loads'], ['migrations', 'migrations']],
  [
    'exits',
    ['all', 'exits'],
    ['time or request', 'exitYield'],
    ['SBI call', 'exitSbi'],
    ['WFI', 'exitWfi'],
    ['virtual instruction', 'exitVirtual'],
    ['other traps', 'exitOther'],
  ],
  ['interrupts set', ['software (IPI)', 'setSoft']],
  [
    'interrupts flushed',
    ['software (IPI)', 'flushedSoft'],
    ['timer', 'flushedTimer'],
    ['external', 'flushedExternal'],
  ],
  [
    'interrupts delivered',
    ['software (IPI)', 'deliveredSoft'],
    ['timer', 'deliveredTimer'],
    ['external', 'deliveredExternal'],
  ],
  ['', ['kicks', 'kicks'], ['sleeps in WFI', 'sleeps']],
];

/**
 * The counters of all vCPUs as a table: a column for each vCPU, and the sum.
 *
 * Timer and external interrupts are levels that are derived when a vCPU is entered, so nothing counts their setting.
 */
export function statisticsTable(vcpus: readonly VcpuStatistics[]): string {
  const head = ['', ...vcpus.map((_, index) => `vCPU ${index}`), 'all'];
  const body = rows.flatMap(([heading, ...lines]) => [
    ...(heading === '' ? [] : [[heading]]),
    ...lines.map(([label, stat]) => {
      const counts = vcpus.map((vcpu) => vcpu[stat]);
      const sum = counts.reduce((total, count) => total + count, 0);
      return [heading === '' ? label : `  ${label}`, ...counts.map(grouped), grouped(sum)];
    }),
  ]);
  return align([head, ...body]);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function align(lines: readonly (readonly string[])[]): string {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]);
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n');
}

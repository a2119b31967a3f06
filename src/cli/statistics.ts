import type { NetworkCounts } from '../devices/backends.ts';
import type { RegionStatistics } from '../hart/index.ts';
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
  return alignTable([head, ...body]);
}

/** Traffic of a network card, and the frames that were dropped: why a guest does not reach something. */
export function networkTable({ sent, received, malformed, refused, overflow }: NetworkCounts): string {
  return alignTable([
    ['network', 'frames'],
    ['  sent', grouped(sent)],
    ['  received', grouped(received)],
    ['dropped', ''],
    ['  malformed', grouped(malformed)],
    ['  to where the guest may not', grouped(refused)],
    ['  because somebody was too slow', grouped(overflow)],
  ]);
}

/** Statistics of compiled code as a table: a column for each hart. */
export function regionTable(harts: readonly RegionStatistics[], what: string): string {
  const row = (label: string, value: (hart: RegionStatistics) => string): string[] => [
    label,
    ...harts.map(value),
  ];
  const exits = Object.keys(harts[0]?.exits ?? {}) as (keyof RegionStatistics['exits'])[];
  return alignTable([
    ['compiled code', ...harts.map((_, index) => `${what} ${index}`)],
    row('  regions now', ({ live }) => grouped(live)),
    row('  regions compiled', ({ compiled }) => grouped(compiled)),
    row('  regions that did not compile', ({ refused }) => grouped(refused)),
    row('  regions dropped to make room', ({ evicted }) => grouped(evicted)),
    row('  KiB of memory for them, about', ({ memory }) => grouped(memory / 1024)),
    row('  guest instructions in them', ({ instructions }) => grouped(instructions)),
    row('  KiB of WebAssembly', ({ bytes }) => grouped(bytes / 1024)),
    row('  ms spent compiling', ({ time }) => grouped(time)),
    row('  ms for one region, at most', ({ longest }) => longest.toFixed(1)),
    row('  ms in compiled code, about', ({ running }) => grouped(running)),
    row('  ms in the interpreter, about', ({ interpreting }) => grouped(interpreting)),
    row('  instructions retired', ({ retired }) => grouped(retired)),
    ['left'],
    ...exits.map((name) => row(`  ${EXIT_LABELS[name]}`, ({ exits: counts }) => grouped(counts[name]))),
  ]);
}

const EXIT_LABELS: Readonly<Record<keyof RegionStatistics['exits'], string>> = {
  near: 'by a jump within the page',
  far: 'by a jump to another page',
  indirect: 'by a jump to a register',
  next: 'where the region ends',
  nextFar: 'where the region ends, in another page',
  resume: 'before an instruction for the interpreter',
};

export function grouped(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function alignTable(lines: readonly (readonly string[])[]): string {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]);
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n');
}

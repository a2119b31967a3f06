import type { TraceReport } from '../machine/thread.ts';
import { alignTable, grouped } from './statistics.ts';

/** The lines about a trace at the end of a run. */
export function describeTrace(
  file: string,
  { events, bytes, lostRecords, cpus }: TraceReport,
): readonly string[] {
  const size = bytes < 1e6 ? `${grouped(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  const lines = [
    `The trace in ${file} has ${grouped(events)} events (${size}). Open it at https://ui.perfetto.dev`,
  ];
  if (lostRecords > 0)
    lines.push(
      `${grouped(lostRecords)} records did not find room and are missing in the trace, where they are marked.`,
    );
  const lost = cpus.reduce((sum, { software }) => sum + software.lost, 0);
  if (lost > 0)
    lines.push(`${grouped(lost)} software ${lost === 1 ? 'interrupt was' : 'interrupts were'} lost.`);
  return lines;
}

/** The fate of the interrupts that a trace has seen: a column for each vCPU, and the sum. */
export function traceTable({ kind, cpus, sources }: TraceReport): string {
  const row = (label: string, value: (cpu: TraceReport['cpus'][number]) => number, all = sum) => {
    const values = cpus.map(value);
    return [label, ...values.map(grouped), grouped(all(values))];
  };
  const software =
    kind === 'bare'
      ? []
      : [
          ['software interrupts (IPIs)'],
          row('  set', ({ software }) => software.set),
          row('  coalesced with another', ({ software }) => software.coalesced),
          row('  injected', ({ software }) => software.injected),
          row('  taken', ({ software }) => software.taken),
          row('  set by the guest itself', ({ software }) => software.own),
          row('  cleared without a trap', ({ software }) => software.cleared),
          row('  withdrawn', ({ software }) => software.withdrawn),
          row('  spurious', ({ software }) => software.spurious),
          row('  LOST', ({ software }) => software.lost),
        ];
  const what = kind === 'bare' ? 'hart' : 'vCPU';
  const table = [
    ['traced interrupts', ...cpus.map((_, index) => `${what} ${index}`), 'all'],
    ...software,
    ['timer interrupts'],
    row('  taken', ({ timers }) => timers),
    row(
      '  latest, in microseconds',
      ({ latestTimer }) => latestTimer * 1000,
      (values) => Math.max(...values),
    ),
    ['external interrupts'],
    row('  taken', ({ externals }) => externals),
    row('  spurious', ({ spurious }) => spurious),
  ];
  return [alignTable(table), ...(sources.length === 0 ? [] : [sourceTable(sources)])].join('\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

function sourceTable(sources: TraceReport['sources']): string {
  return alignTable([
    ['by source', 'raised', 'coalesced', 'claimed', 'again'],
    ...sources.map(({ name, raised, coalesced, claimed, again }) => [
      `  ${name}`,
      ...[raised, coalesced, claimed, again].map(grouped),
    ]),
  ]);
}

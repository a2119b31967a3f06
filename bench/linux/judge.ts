import type { Field } from '../contenders.ts';
import { median, type Spread } from '../statistics.ts';
import { type Samples, timesAgainst } from '../turns.ts';
import type { BenchmarkTimes, GuestReport } from './report.ts';

/** One benchmark with one number of vCPUs. */
export interface LinuxRow {
  readonly benchmark: string;
  readonly vcpus: number;
  readonly samples: Samples<BenchmarkTimes>;
  /** Guest time relative to the yardstick, of those who measured it: below 1 is faster. */
  readonly time: Readonly<Record<string, Spread>>;
  /** The same by CPU time of the host; empty where that says nothing. */
  readonly cpuTime: Readonly<Record<string, Spread>>;
}

/** Throughput of two busy processes on two vCPUs relative to that of one. */
export interface Scaling {
  readonly vcpus: number;
  readonly label: string;
  readonly throughput: Spread;
}

/**
 * Compares one benchmark's times.
 *
 * @returns no row when nobody, or not the yardstick, could measure it: it needs more vCPUs
 */
export function judge(
  vcpus: number,
  benchmark: string,
  field: Field,
  reports: Samples<GuestReport>,
): readonly LinuxRow[] {
  const samples: Record<string, readonly BenchmarkTimes[]> = {};
  for (const [label, own] of Object.entries(reports)) {
    const times = own.flatMap(({ benchmarks }) => benchmarks.get(benchmark) ?? []);
    // Whoever skipped it in one turn has nothing to compare.
    if (times.length === own.length) samples[label] = times;
  }
  if (samples[field.yardstick.label] === undefined) return [];
  const measured = { ...field, others: field.others.filter(({ label }) => samples[label] !== undefined) };
  const time = timesAgainst(measured, samples, ({ guest }) => guest);
  const hasCpu = Object.values(samples).every((times) => times.every(({ cpu }) => (cpu ?? 0) > 0));
  const cpuTime = hasCpu ? timesAgainst(measured, samples, ({ cpu }) => cpu ?? Number.NaN) : {};
  return [{ benchmark, vcpus, samples, time, cpuTime }];
}

/** How much more two processes get done than one, for everyone who measured both. */
export function scalingOf(vcpus: number, reports: Samples<GuestReport>): readonly Scaling[] {
  return Object.entries(reports).flatMap(([label, own]) => {
    const ratios = own.flatMap(({ benchmarks }) => {
      const [one, two] = [benchmarks.get('compute'), benchmarks.get('compute-2')];
      // An iteration of compute-2 is one in each of the two processes.
      return one === undefined || two === undefined ? [] : [(2 * one.guest) / two.guest];
    });
    if (ratios.length === 0) return [];
    const throughput = { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
    return [{ vcpus, label, throughput }];
  });
}

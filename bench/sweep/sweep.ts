/**
 * Looks for cliffs: the same work with more and more of something (instructions in a loop, places of calls, pages of
 * code, memory), against QEMU. It is measured like the kernels of `cpu`.
 */
import { writeFileSync } from 'node:fs';
import { type CpuResult, formatCpuResult, runCpuBench } from '../cpu/cpu.ts';
import { type Kernel, kernels } from '../cpu/kernels.ts';
import { RunFailure } from '../measured-run.ts';
import type { SweepOptions } from '../options.ts';
import { median } from '../statistics.ts';
import { plot } from './plot.ts';

/** A point whose speed is below the best one before it in its series, divided by this, is a step ... */
const STEP = 3;
/** ... if it takes so many times as long itself: sometimes QEMU alone becomes faster. */
const LONGER = 1.5;

const series = (source: string, define: string, about: string, values: readonly number[]): Kernel[] =>
  values.map((value) => ({ name: `${source}-${value}`, source, defines: { [define]: value }, about }));

/** The programs that are measured, in the order of their series. */
const points: readonly Kernel[] = [
  ...series('straight', 'BODY', 'instructions', [48, 200, 400, 1200, 4000, 16_000]),
  ...series('sites', 'SITES', 'places of calls', [1, 8, 64, 512]),
  ...series('spread', 'PAGES', 'pages of code', [1, 4, 16, 64]),
  ...series('spaces', 'SPACES', 'processes in turns', [1, 4, 16, 64]),
  ...series('guards', 'REGIONS', 'entries of physical memory protection', [0, 1, 4, 15]),
  ...series('across', 'ACROSS', 'accesses of 64 across pages', [0, 1, 8, 64]),
  ...series('aliases', 'ALIASES', 'pages 64 MiB apart', [1, 2, 4, 16]),
  ...kernels.filter(({ source }) => source === 'stream' || source === 'chase'),
];

/**
 * Measures all series.
 *
 * @throws RunFailure with the report when there is a step; else as {@link runCpuBench}
 */
export async function runSweep(
  options: SweepOptions,
  onProgress: (line: string) => void,
): Promise<CpuResult> {
  const result = await runCpuBench({ ...options, kernels: points }, onProgress);
  const speeds = speedsOf(result);
  if (options.plot !== undefined) writeFileSync(options.plot, plot(speeds[0].label, speeds));
  const steps = findSteps(speeds);
  if (steps.length > 0) throw new RunFailure([formatCpuResult(result), '', ...steps].join('\n'));
  return result;
}

/** A point of a series. */
export interface Point {
  readonly name: string;
  readonly series: string;
  /** The contender that was measured. */
  readonly label: string;
  /** Relative to QEMU. */
  readonly speed: number;
  /** User CPU time. */
  readonly seconds: number;
}

function speedsOf({ kernels: measured }: CpuResult): readonly Point[] {
  return measured.flatMap(({ kernel: name, speed, samples }) =>
    Object.entries(speed).map(([label, ratio]) => ({
      ...{ name, label, speed: ratio.median, seconds: median(samples[label].map(({ user }) => user)) },
      series: points.find((point) => point.name === name)?.source ?? name,
    })),
  );
}

/** A line for people for each point that is far below the best one before it. */
export function findSteps(speeds: readonly Point[]): readonly string[] {
  const best = new Map<string, Point>();
  return speeds.flatMap((point) => {
    const key = `${point.label} ${point.series}`;
    const before = best.get(key);
    if (before === undefined || point.speed > before.speed) best.set(key, point);
    if (before === undefined || point.speed * STEP >= before.speed) return [];
    if (point.seconds < before.seconds * LONGER) return [];
    const speeds = `${point.speed.toFixed(2)} of QEMU's speed, ${before.name} ${before.speed.toFixed(2)}`;
    return [`A step: ${point.name} has ${speeds} (${point.label}).`];
  });
}

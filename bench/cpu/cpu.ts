/**
 * CPU kernels on the bare machine: the same ELF on hartvisor and on QEMU, in turns. Ratios are speeds relative to QEMU,
 * from user CPU time, which a busy machine disturbs less than time on the wall; both without start and end of the
 * machine, which the empty kernel measures.
 */
import { type MeasuredRun, measuredRun, RunFailure } from '../measured-run.ts';
import type { CpuOptions } from '../options.ts';
import {
  describeSetting,
  hartvisorCommand,
  qemuCommand,
  readSetting,
  type Setting,
  type Side,
  sides,
} from '../sides.ts';
import { geometricMean, median, ratioOfTurns, type Spread } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { buildKernel, findCompiler } from './build.ts';
import { emptyKernel, type Kernel } from './kernels.ts';

const MEMORY = '128M';
/** Less is noise of the start. */
const SHORTEST = 0.01;

/** Seconds of each run of one kernel on one side. */
export interface Samples {
  readonly user: readonly number[];
  readonly wall: readonly number[];
}

/** One kernel on both sides. */
export interface KernelResult {
  readonly kernel: string;
  readonly checksum: string;
  /** Speed relative to QEMU: above 1 is faster. */
  readonly speed: Spread;
  /** The same by wall time. */
  readonly wallSpeed: Spread;
  /** Start and end are included. */
  readonly samples: Readonly<Record<Side, Samples>>;
}

/** Everything that was measured. */
export interface CpuResult {
  readonly setting: Setting;
  /** The empty kernel: start and end of a machine. */
  readonly startUp: Readonly<Record<Side, Samples>>;
  readonly kernels: readonly KernelResult[];
  /** Of the kernels' speeds, by user CPU time. */
  readonly geometricMean: number;
}

/**
 * Measures the kernels.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when the compiler or QEMU is missing; RunFailure when a run fails or checksums differ
 */
export async function runCpuBench(
  options: CpuOptions,
  onProgress: (line: string) => void,
): Promise<CpuResult> {
  const setting = readSetting(options.qemu, options.node);
  const compiler = findCompiler(options.compiler);
  using directory = temporaryDirectory('cpu');
  const measureKernel = (kernel: Kernel) =>
    measure(kernel, buildKernel(compiler, kernel, directory.path), options);
  const startUp = await measureKernel(emptyKernel);
  const results: KernelResult[] = [];
  for (const [index, kernel] of options.kernels.entries()) {
    const result = judge(kernel.name, await measureKernel(kernel), startUp);
    onProgress(`${index + 1}/${options.kernels.length} ${kernel.name}: ${formatRatio(result.speed.median)}`);
    results.push(result);
  }
  const mean = geometricMean(results.map(({ speed }) => speed.median));
  return { setting, startUp: startUp.samples, kernels: results, geometricMean: mean };
}

interface Measured {
  readonly checksum: string;
  readonly samples: Readonly<Record<Side, Samples>>;
}

async function measure(kernel: Kernel, elf: string, options: CpuOptions): Promise<Measured> {
  const runs: Record<Side, MeasuredRun[]> = { qemu: [], hartvisor: [] };
  const checksums = new Map<string, Side>();
  for (let turn = 0; turn < options.runs; turn++) {
    for (const side of sides) {
      const run = await measuredRun(commandFor(side, elf, options), { timeout: options.timeout });
      checksums.set(readChecksum(run, `${kernel.name} on ${side}`), side);
      runs[side].push(run);
    }
  }
  const [[checksum], ...others] = checksums;
  if (others.length > 0) {
    const seen = [...checksums].map(([sum, side]) => `${sum} on ${side}`).join(', ');
    throw new RunFailure(`the kernel ${kernel.name} has different checksums: ${seen}`);
  }
  return { checksum, samples: { qemu: samplesOf(runs.qemu), hartvisor: samplesOf(runs.hartvisor) } };
}

function samplesOf(runs: readonly MeasuredRun[]): Samples {
  return { user: runs.map(({ user }) => user), wall: runs.map(({ wall }) => wall) };
}

function commandFor(side: Side, elf: string, { qemu, node }: CpuOptions) {
  return side === 'qemu'
    ? qemuCommand(qemu, '-m', MEMORY, '-bios', elf)
    : hartvisorCommand(node, 'machine', elf, '--memory', MEMORY);
}

/**
 * The checksum that a kernel printed.
 *
 * @param what was run, for messages
 * @throws RunFailure when the run failed or printed none
 */
export function readChecksum(run: Pick<MeasuredRun, 'output' | 'status' | 'timedOut'>, what: string): string {
  const checksum = /^checksum ([0-9a-f]{16})\r?$/m.exec(run.output)?.[1];
  if (checksum !== undefined && run.status === 0 && !run.timedOut) return checksum;
  const how = run.timedOut ? 'did not end in time' : `ended with status ${run.status}`;
  throw new RunFailure(`${what} ${how}; it printed: ${run.output.slice(-2000).trim() || 'nothing'}`);
}

/** Compares one kernel's times, less those of the empty kernel. */
export function judge(kernel: string, measured: Measured, startUp: Measured): KernelResult {
  const work = (side: Side, time: keyof Samples) => {
    const start = median(startUp.samples[side][time]);
    return measured.samples[side][time].map((seconds) => Math.max(seconds - start, SHORTEST));
  };
  return {
    kernel,
    checksum: measured.checksum,
    speed: ratioOfTurns(work('qemu', 'user'), work('hartvisor', 'user')),
    wallSpeed: ratioOfTurns(work('qemu', 'wall'), work('hartvisor', 'wall')),
    samples: measured.samples,
  };
}

/** The result for people. */
export function formatCpuResult(result: CpuResult): string {
  const { startUp } = result;
  const times = (samples: Readonly<Record<Side, Samples>>) =>
    sides.map((side) => formatSeconds(median(samples[side].user)));
  const rows = result.kernels.map(({ kernel, samples, speed, wallSpeed }) => [
    kernel,
    ...times(samples),
    formatRatio(speed.median),
    `${formatRatio(speed.min)}..${formatRatio(speed.max)}`,
    formatRatio(wallSpeed.median),
  ]);
  return [
    'Speed of CPU kernels on the bare machine, relative to QEMU (above 1: faster than QEMU)',
    describeSetting(result.setting),
    `medians of ${startUp.qemu.user.length} turns; seconds are user CPU time with start-up, ratios are without it`,
    '',
    formatTable([
      ['kernel', 'QEMU s', 'hartvisor s', 'speed', 'min..max', 'speed (wall)'],
      ...rows,
      ['geometric mean', '', '', formatRatio(result.geometricMean), '', ''],
      ['(start-up)', ...times(startUp), '', '', ''],
    ]),
  ].join('\n');
}

/**
 * CPU kernels on the bare machine: the same ELF on hartvisor and on QEMU, in turns. Ratios are speeds relative to QEMU,
 * from user CPU time, which a busy machine disturbs less than time on the wall. Each program says when it starts and
 * then sleeps for a moment, in which the CPU time that the start took is read; it is reported apart. Wall time is what
 * the guest's clock says.
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
import type { Kernel } from './kernels.ts';

const MEMORY = '128M';
/** Ticks a second of the guest's clock on both sides. */
const CLOCK = 10_000_000;
/** The first line of each program. */
const STARTED = 'start';

/** Seconds of one run of a kernel. */
export interface KernelTimes {
  /** CPU time in user mode until the kernel's start. */
  readonly startUp: number;
  /** CPU time in user mode from there to the end of the process. */
  readonly user: number;
  /** The kernel alone. */
  readonly wall: number;
}

/** Of each run of one kernel on both sides. */
type Samples = Readonly<Record<Side, readonly KernelTimes[]>>;

/** One kernel on both sides. */
export interface KernelResult {
  readonly kernel: string;
  readonly checksum: string;
  /** Speed relative to QEMU: above 1 is faster. */
  readonly speed: Spread;
  /** The same by wall time. */
  readonly wallSpeed: Spread;
  readonly samples: Samples;
}

/** Everything that was measured. */
export interface CpuResult {
  readonly setting: Setting;
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
  const results: KernelResult[] = [];
  for (const [index, kernel] of options.kernels.entries()) {
    const result = judge(kernel.name, await measureKernel(kernel));
    onProgress(`${index + 1}/${options.kernels.length} ${kernel.name}: ${formatRatio(result.speed.median)}`);
    results.push(result);
  }
  const mean = geometricMean(results.map(({ speed }) => speed.median));
  return { setting, kernels: results, geometricMean: mean };
}

interface Measured {
  readonly checksum: string;
  readonly samples: Samples;
}

async function measure(kernel: Kernel, elf: string, options: CpuOptions): Promise<Measured> {
  const samples: Record<Side, KernelTimes[]> = { qemu: [], hartvisor: [] };
  const checksums = new Map<string, Side>();
  for (let turn = 0; turn < options.runs; turn++) {
    for (const side of sides) {
      const limits = { timeout: options.timeout, marker: STARTED };
      const run = await measuredRun(commandFor(side, elf, options), limits);
      const { checksum, ...times } = readRun(run, `${kernel.name} on ${side}`);
      checksums.set(checksum, side);
      samples[side].push(times);
    }
  }
  const [[checksum], ...others] = checksums;
  if (others.length > 0) {
    const seen = [...checksums].map(([sum, side]) => `${sum} on ${side}`).join(', ');
    throw new RunFailure(`the kernel ${kernel.name} has different checksums: ${seen}`);
  }
  return { checksum, samples };
}

function commandFor(side: Side, elf: string, { qemu, node }: CpuOptions) {
  return side === 'qemu'
    ? qemuCommand(qemu, '-m', MEMORY, '-bios', elf)
    : hartvisorCommand(node, 'machine', elf, '--memory', MEMORY);
}

/**
 * What a run of a kernel says, and how long it took.
 *
 * @param what was run, for messages
 * @throws RunFailure when it did not end well, and where the CPU time of a process that runs cannot be read
 */
export function readRun(
  run: Pick<MeasuredRun, 'output' | 'status' | 'timedOut' | 'user' | 'marker'>,
  what: string,
): KernelTimes & { readonly checksum: string } {
  const result = /^ticks ([0-9a-f]{16})\r?\nchecksum ([0-9a-f]{16})\r?$/m.exec(run.output);
  if (result === null || run.marker === undefined || run.status !== 0 || run.timedOut) {
    const how = run.timedOut ? 'did not end in time' : `ended with status ${run.status}`;
    throw new RunFailure(`${what} ${how}; it printed: ${run.output.slice(-2000).trim() || 'nothing'}`);
  }
  const startUp = run.marker.user;
  if (startUp === undefined)
    throw new RunFailure('bench -- cpu reads CPU times from /proc, as Linux has it.');
  const wall = Number.parseInt(result[1], 16) / CLOCK;
  return { checksum: result[2], startUp, user: run.user - startUp, wall };
}

/** Compares one kernel's times. */
export function judge(kernel: string, { checksum, samples }: Measured): KernelResult {
  const speed = (time: keyof KernelTimes) =>
    ratioOfTurns(
      samples.qemu.map((run) => run[time]),
      samples.hartvisor.map((run) => run[time]),
    );
  return { kernel, checksum, speed: speed('user'), wallSpeed: speed('wall'), samples };
}

/** The result for people. */
export function formatCpuResult(result: CpuResult): string {
  const times = (samples: Samples, time: keyof KernelTimes) =>
    sides.map((side) => formatSeconds(median(samples[side].map((run) => run[time]))));
  const rows = result.kernels.map(({ kernel, samples, speed, wallSpeed }) => [
    kernel,
    ...times(samples, 'user'),
    formatRatio(speed.median),
    `${formatRatio(speed.min)}..${formatRatio(speed.max)}`,
    formatRatio(wallSpeed.median),
  ]);
  const all = (side: Side) => result.kernels.flatMap(({ samples }) => samples[side]);
  return [
    'Speed of CPU kernels on the bare machine, relative to QEMU (above 1: faster than QEMU)',
    describeSetting(result.setting),
    `medians of ${result.kernels[0]?.samples.qemu.length ?? 0} turns, user CPU time without start-up`,
    '',
    formatTable([
      ['kernel', 'QEMU s', 'hartvisor s', 'speed', 'min..max', 'speed (wall)'],
      ...rows,
      ['geometric mean', '', '', formatRatio(result.geometricMean), '', ''],
      ['(start-up)', ...times({ qemu: all('qemu'), hartvisor: all('hartvisor') }, 'startUp'), '', '', ''],
    ]),
  ].join('\n');
}

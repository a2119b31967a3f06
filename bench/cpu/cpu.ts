/**
 * CPU kernels on the bare machine: the same ELF on hartvisor and on QEMU, in turns. Ratios are speeds relative to QEMU,
 * from user CPU time, which a busy machine disturbs less than time on the wall. Each program says when it starts and
 * then sleeps for a moment, in which the CPU time that the start took is read; it is reported apart. Wall time is what
 * the guest's clock says.
 */

import type { Xlen } from '../../src/machine/cpu.ts';
import { findCompiler } from '../compiler.ts';
import { type Contender, type Field, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { type MeasuredRun, measuredRun, RunFailure } from '../measured-run.ts';
import type { CpuOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { geometricMean, median, type Spread } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { type Samples, speedsAgainst, takeTurns } from '../turns.ts';
import { buildKernel } from './build.ts';
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

/** One kernel on all sides. */
export interface KernelResult {
  readonly kernel: string;
  readonly checksum: string;
  /** Speed relative to the yardstick, of each of the others: above 1 is faster. */
  readonly speed: Readonly<Record<string, Spread>>;
  /** The same by wall time. */
  readonly wallSpeed: Readonly<Record<string, Spread>>;
  readonly samples: Samples<KernelTimes>;
}

/** Everything that was measured. */
export interface CpuResult {
  readonly setting: Setting;
  /** How often a program did its kernel's work. */
  readonly times: number;
  readonly kernels: readonly KernelResult[];
  /** Of the kernels' speeds, by user CPU time. */
  readonly geometricMeans: Readonly<Record<string, number>>;
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
  const compiler = findCompiler(options.compiler);
  using directory = temporaryDirectory('cpu');
  const field = await prepareField(options, directory.path, onProgress);
  const setting = readSetting(field);
  const results: KernelResult[] = [];
  for (const [index, kernel] of options.kernels.entries()) {
    const elf = buildKernel(compiler, kernel, options.times, directory.path, options.xlen);
    const result = judge(kernel.name, field, await measure(kernel, elf, field, options));
    const ratios = Object.entries(result.speed).map(
      ([label, { median }]) => `${label} ${formatRatio(median)}`,
    );
    onProgress(`${index + 1}/${options.kernels.length} ${kernel.name}: ${ratios.join(', ')}`);
    results.push(result);
  }
  return { setting, times: options.times, kernels: results, geometricMeans: meansOf(field, results) };
}

function meansOf({ others }: Field, results: readonly KernelResult[]): Record<string, number> {
  const mean = (label: string) => geometricMean(results.map(({ speed }) => speed[label].median));
  return Object.fromEntries(others.map(({ label }) => [label, mean(label)]));
}

interface Measured {
  readonly checksum: string;
  readonly samples: Samples<KernelTimes>;
}

async function measure(kernel: Kernel, elf: string, field: Field, options: CpuOptions): Promise<Measured> {
  const checksums = new Map<string, string>();
  const samples = await takeTurns(field, options.runs, async (contender) => {
    const limits = { timeout: options.timeout, marker: STARTED };
    const run = await measuredRun(commandFor(contender, elf, kernel.cpu ?? wordFor(options.xlen)), limits);
    const { checksum, ...times } = readRun(run, `${kernel.name} on ${contender.label}`);
    checksums.set(checksum, contender.label);
    return times;
  });
  const [[checksum], ...others] = checksums;
  if (others.length > 0) {
    const seen = [...checksums].map(([sum, label]) => `${sum} on ${label}`).join(', ');
    throw new RunFailure(`the kernel ${kernel.name} has different checksums: ${seen}`);
  }
  return { checksum, samples };
}

function commandFor(contender: Contender, elf: string, cpu: string | undefined) {
  const words = (option: string): readonly string[] => (cpu === undefined ? [] : [option, cpu]);
  return contender.kind === 'qemu'
    ? qemuCommand(contender, '-m', MEMORY, ...words('-cpu'), '-bios', elf)
    : hartvisorCommand(contender, 'machine', elf, '--memory', MEMORY, ...words('--cpu'));
}

/** None for the usual width, for the sake of older checkouts. */
function wordFor(xlen: Xlen): string | undefined {
  return xlen === 64 ? undefined : `rv${xlen}`;
}

/**
 * The output of a run of a kernel, and how long it took.
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
export function judge(kernel: string, field: Field, { checksum, samples }: Measured): KernelResult {
  const speed = (time: keyof KernelTimes) => speedsAgainst(field, samples, (run) => run[time]);
  return { kernel, checksum, speed: speed('user'), wallSpeed: speed('wall'), samples };
}

/** The result for people. */
export function formatCpuResult(result: CpuResult): string {
  const [yardstick, ...others] = result.setting.contenders.map(({ label }) => label);
  const seconds = (runs: readonly KernelTimes[], time: keyof KernelTimes) =>
    formatSeconds(median(runs.map((run) => run[time])));
  const rows = result.kernels.map(({ kernel, samples, speed, wallSpeed }) => [
    kernel,
    seconds(samples[yardstick], 'user'),
    ...others.flatMap((label) => [
      seconds(samples[label], 'user'),
      formatRatio(speed[label].median),
      `${formatRatio(speed[label].min)}..${formatRatio(speed[label].max)}`,
      formatRatio(wallSpeed[label].median),
    ]),
  ]);
  const startUp = (label: string) => {
    const runs = result.kernels.flatMap(({ samples }) => samples[label]);
    return seconds(runs, 'startUp');
  };
  return [
    'Speed of CPU kernels on the bare machine, relative to QEMU (above 1: faster than QEMU)',
    describeSetting(result.setting),
    `medians of ${result.kernels[0]?.samples[yardstick].length ?? 0} turns, user CPU time without start-up, work done ${result.times} times`,
    '',
    formatTable([
      [
        'kernel',
        `${yardstick} s`,
        ...others.flatMap((label) => [`${label} s`, 'speed', 'min..max', '(wall)']),
      ],
      ...rows,
      [
        ...['geometric mean', ''],
        ...others.flatMap((label) => ['', formatRatio(result.geometricMeans[label]), '', '']),
      ],
      [...['(start-up)', startUp(yardstick)], ...others.flatMap((label) => [startUp(label), '', '', ''])],
    ]),
  ].join('\n');
}

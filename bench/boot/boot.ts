/**
 * Linux from the start of the process to the first line of userspace and to the end after power-off: the same kernel,
 * initrd, command line, vCPUs and memory on hartvisor (as many threads as vCPUs) and on QEMU, in turns.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { greeting, initramfs } from '../../src/boot/initramfs.ts';
import { readInputFile } from '../../src/node/files.ts';
import { type Contender, type Field, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { type MeasuredRun, measuredRun, RunFailure } from '../measured-run.ts';
import type { BootOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { median, type Spread } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { type Samples, takeTurns, timesAgainst } from '../turns.ts';

/**
 * hartvisor gives its guests the first three by default; both sides get the same. The last makes the guest power off.
 */
const usualWords = 'console=ttyS0 earlycon=sbi panic=-1 hartvisor.run=true';

/** The times that are measured of each boot, in seconds. */
export type BootTime = 'userspace' | 'poweroff' | 'cpu';

const bootTimes: Readonly<Record<BootTime, { readonly about: string; of(run: MeasuredRun): number }>> = {
  userspace: { about: 'wall, to userspace', of: (run) => run.marker?.wall ?? Number.NaN },
  poweroff: { about: 'wall, to power-off', of: (run) => run.wall },
  cpu: { about: 'CPU, user and system', of: (run) => run.user + run.system },
};
const timeNames = Object.keys(bootTimes) as BootTime[];

/** One kind of time with one number of vCPUs. */
export interface BootRow {
  readonly vcpus: number;
  readonly time: BootTime;
  readonly samples: Samples<number>;
  /** Time relative to the yardstick, of each of the others: below 1 is faster. */
  readonly ratio: Readonly<Record<string, Spread>>;
}

/** Everything that was measured. */
export interface BootResult {
  readonly setting: Setting;
  readonly rows: readonly BootRow[];
}

/**
 * Measures the boots.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU or the guest is missing; RunFailure when a boot fails
 */
export async function runBootBench(
  options: BootOptions,
  onProgress: (line: string) => void,
): Promise<BootResult> {
  using directory = temporaryDirectory('boot');
  const field = await prepareField(options, directory.path, onProgress);
  const setting = readSetting(field);
  const guest = await guestFiles(options, directory.path, onProgress);
  const rows: BootRow[] = [];
  for (const vcpus of options.smp) rows.push(...(await measure(vcpus, guest, field, options, onProgress)));
  return { setting, rows };
}

interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
}

async function guestFiles(
  { kernel, initrd }: BootOptions,
  directory: string,
  onProgress: (line: string) => void,
): Promise<GuestFiles> {
  if (kernel !== undefined && initrd !== undefined) {
    await readInputFile(kernel, 'The kernel', '--kernel');
    await readInputFile(initrd, 'The initrd', '--initrd');
    return { kernel, initrd };
  }
  const files = await debianFiles(onProgress);
  const path = join(directory, 'initrd');
  writeFileSync(path, initramfs({ busybox: readFileSync(files.busyboxPath) }));
  return { kernel: files.kernelPath, initrd: path };
}

async function measure(
  vcpus: number,
  guest: GuestFiles,
  field: Field,
  options: BootOptions,
  onProgress: (line: string) => void,
): Promise<BootRow[]> {
  const runs = await takeTurns(field, options.runs, async (contender, turn) => {
    const command = commandFor(contender, vcpus, guest, options);
    const run = await measuredRun(command, { timeout: options.timeout, marker: greeting });
    checkBoot(run, `the boot on ${contender.label} with ${vcpus} vCPUs`);
    const seconds = timeNames.map((name) => `${name} ${formatSeconds(bootTimes[name].of(run))} s`);
    onProgress(`turn ${turn + 1}/${options.runs}, ${vcpus} vCPUs, ${contender.label}: ${seconds.join(', ')}`);
    return run;
  });
  return timeNames.map((time) => judge(vcpus, time, field, runs));
}

function judge(vcpus: number, time: BootTime, field: Field, runs: Samples<MeasuredRun>): BootRow {
  const { of } = bootTimes[time];
  const samples = Object.fromEntries(Object.entries(runs).map(([label, own]) => [label, own.map(of)]));
  return { vcpus, time, samples, ratio: timesAgainst(field, runs, of) };
}

function commandFor(contender: Contender, vcpus: number, guest: GuestFiles, options: BootOptions) {
  const words = `${usualWords} ${options.append}`.trim();
  const { kernel, initrd } = guest;
  if (contender.kind === 'qemu') {
    const shape = ['-smp', `${vcpus}`, '-m', options.memory];
    return qemuCommand(contender, ...shape, '-kernel', kernel, '-initrd', initrd, '-append', words);
  }
  const shape = ['--smp', `${vcpus}`, '--pcpus', `${vcpus}`, '--memory', options.memory];
  const files = ['--kernel', kernel, '--initrd', initrd];
  return hartvisorCommand(contender, 'run', ...shape, ...files, '--append', words);
}

/** @throws RunFailure when a boot did not get to userspace and to a clean end */
export function checkBoot(
  run: Pick<MeasuredRun, 'marker' | 'output' | 'status' | 'timedOut'>,
  what: string,
): void {
  if (run.marker !== undefined && run.status === 0 && !run.timedOut) return;
  const reached = run.marker === undefined ? 'did not reach userspace' : 'reached userspace';
  const how = run.timedOut ? 'did not end in time' : `ended with status ${run.status}`;
  throw new RunFailure(
    `${what} ${reached} and ${how}; the end of its output: ${run.output.slice(-2000).trim()}`,
  );
}

/** The result for people. */
export function formatBootResult(result: BootResult): string {
  const [yardstick, ...others] = result.setting.contenders.map(({ label }) => label);
  const rows = result.rows.map(({ vcpus, time, samples, ratio }) => [
    `${vcpus} vCPU${vcpus > 1 ? 's' : ''}, ${bootTimes[time].about}`,
    formatSeconds(median(samples[yardstick])),
    ...others.flatMap((label) => [
      formatSeconds(median(samples[label])),
      formatRatio(ratio[label].median),
      `${formatRatio(ratio[label].min)}..${formatRatio(ratio[label].max)}`,
    ]),
  ]);
  const heads = others.flatMap((label) => [`${label} s`, 'time', 'min..max']);
  return [
    'Boot of Linux: time relative to QEMU (below 1: faster than QEMU)',
    describeSetting(result.setting),
    `medians of ${result.rows[0]?.samples[yardstick].length ?? 0} turns`,
    '',
    formatTable([['boot', `${yardstick} s`, ...heads], ...rows]),
  ].join('\n');
}

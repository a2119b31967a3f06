/**
 * Measures the most frequent work of a Linux guest's kernel and processes, by the guest's own clock: the same kernel
 * and a program of ours as its only process, on hartvisor (as many threads as vCPUs) and on QEMU, in turns. The guest's
 * clock is held against the wall's in each run.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readInputFile } from '../../src/node/files.ts';
import { findCompiler } from '../compiler.ts';
import { type Contender, type Field, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { measuredRun } from '../measured-run.ts';
import type { LinuxOptions } from '../options.ts';
import { readSetting, type Setting } from '../setting.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { type Samples, takeTurns } from '../turns.ts';
import { buildInitramfs } from './build.ts';
import { judge, type LinuxRow, type Scaling, scalingOf } from './judge.ts';
import { type GuestReport, readReport, reportLine } from './report.ts';

/** Everything that was measured. */
export interface LinuxResult {
  readonly setting: Setting;
  readonly turns: number;
  readonly rows: readonly LinuxRow[];
  /** Of two processes on two vCPUs, for each number of vCPUs above one that was measured. */
  readonly scaling: readonly Scaling[];
  /** The furthest that a guest's clock was from the wall's, by label: 0.01 is one percent. */
  readonly clockError: Readonly<Record<string, number>>;
}

interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
}

/**
 * Measures the benchmarks.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU, the compiler or the kernel is missing; RunFailure when a run fails
 */
export async function runLinuxBench(
  options: LinuxOptions,
  onProgress: (line: string) => void,
): Promise<LinuxResult> {
  const compiler = findCompiler(options.compiler);
  using directory = temporaryDirectory('linux');
  const initrd = join(directory.path, 'initrd');
  writeFileSync(initrd, buildInitramfs(compiler, directory.path));
  const guest = { kernel: await kernelFile(options.kernel, onProgress), initrd };
  const field = await prepareField(options, directory.path, onProgress);
  const setting = readSetting(field);
  const rows: LinuxRow[] = [];
  const scaling: Scaling[] = [];
  const clocks: Samples<GuestReport>[] = [];
  for (const vcpus of options.smp) {
    const reports = await measure(vcpus, guest, field, options, onProgress);
    for (const { name } of options.benchmarks) rows.push(...judge(vcpus, name, field, reports));
    scaling.push(...scalingOf(vcpus, reports));
    clocks.push(reports);
  }
  return { setting, turns: options.runs, rows, scaling, clockError: clockErrors(clocks) };
}

async function kernelFile(chosen: string | undefined, onProgress: (line: string) => void): Promise<string> {
  if (chosen === undefined) return (await debianFiles(onProgress)).kernelPath;
  await readInputFile(chosen, 'The kernel', '--kernel');
  return chosen;
}

async function measure(
  vcpus: number,
  guest: GuestFiles,
  field: Field,
  options: LinuxOptions,
  onProgress: (line: string) => void,
): Promise<Samples<GuestReport>> {
  return takeTurns(field, options.runs, async (contender, turn) => {
    const limits = { timeout: options.timeout, lines: reportLine };
    const run = await measuredRun(commandFor(contender, vcpus, guest, options), limits);
    const report = readReport(run, `the guest on ${contender.label} with ${vcpus} vCPUs`);
    const where = `turn ${turn + 1}/${options.runs}, ${vcpus} vCPUs, ${contender.label}`;
    onProgress(`${where}: ${report.benchmarks.size} benchmarks, clock ${report.clock.toFixed(3)}`);
    return report;
  });
}

function commandFor(contender: Contender, vcpus: number, guest: GuestFiles, options: LinuxOptions) {
  const names = options.benchmarks.map(({ name }) => name).join(',');
  // hartvisor puts the words in front that every guest gets; here both sides get them from one place. The kernel hands
  // what follows -- to /init.
  const words = `console=ttyS0 earlycon=sbi panic=-1 quiet -- ${options.milliseconds} ${vcpus} ${names}`;
  const { kernel, initrd } = guest;
  if (contender.kind === 'qemu') {
    const shape = ['-smp', `${vcpus}`, '-m', options.memory];
    return qemuCommand(contender, ...shape, '-kernel', kernel, '-initrd', initrd, '-append', words);
  }
  const shape = ['--smp', `${vcpus}`, '--pcpus', `${vcpus}`, '--memory', options.memory];
  const files = ['--kernel', kernel, '--initrd', initrd];
  return hartvisorCommand(contender, 'run', ...shape, ...files, '--append', words);
}

function clockErrors(all: readonly Samples<GuestReport>[]): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const [label, reports] of all.flatMap((samples) => Object.entries(samples))) {
    const largest = Math.max(...reports.map(({ clock }) => Math.abs(clock - 1)));
    errors[label] = Math.max(errors[label] ?? 0, largest);
  }
  return errors;
}

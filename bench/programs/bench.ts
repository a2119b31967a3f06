/**
 * Programs that people run, from Debian's packages: the same kernel, initramfs, vCPUs and memory on hartvisor (as many
 * threads as vCPUs) and on QEMU, in turns.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initramfs } from '../../src/boot/initramfs.ts';
import { type Contender, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { type CommandLine, type MeasuredRun, measuredRun, RunFailure } from '../measured-run.ts';
import type { ProgramsOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { formatSeconds } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { takeTurns } from '../turns.ts';
import { formatWorkRows, type WorkRow, workRows } from '../work-rows.ts';
import { type GuestProgram, programFiles } from './programs.ts';

const words = 'console=ttyS0 earlycon=sbi panic=-1 quiet';

/** Times that a program has taken, in seconds. */
export interface ProgramTimes {
  /** By the host's clock. */
  readonly outside: number;
  /** By the guest's. */
  readonly inside: number;
  /** CPU time of the emulator meanwhile; undefined where the host does not tell it. */
  readonly cpu: number | undefined;
  /** A checksum of what it has printed. */
  readonly output: string;
}

/** Everything that was measured. */
export interface ProgramsResult {
  readonly setting: Setting;
  /** By the host's clock. */
  readonly rows: readonly WorkRow[];
  /** By the CPU time of the process. */
  readonly cpuRows: readonly WorkRow[];
}

/**
 * Measures programs.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU, the guest or a package is missing; RunFailure when a program fails, or prints something
 *   else on one side than on the other
 */
export async function runProgramsBench(
  options: ProgramsOptions,
  onProgress: (line: string) => void,
): Promise<ProgramsResult> {
  using directory = temporaryDirectory('programs');
  const field = await prepareField(options, directory.path, onProgress);
  const { kernelPath, busyboxPath } = await debianFiles(onProgress);
  const initrd = join(directory.path, 'initrd');
  const { programs } = options;
  const extraFiles = await programFiles(programs, onProgress);
  writeFileSync(initrd, initramfs({ busybox: readFileSync(busyboxPath), run: script(programs), extraFiles }));
  const rows: WorkRow[] = [];
  const cpuRows: WorkRow[] = [];
  const outputs = new Map<string, string>();
  for (const vcpus of options.smp) {
    const runs = await takeTurns(field, options.runs, async (contender, turn) => {
      const shape = { vcpus, pcpus: vcpus, memory: options.memory };
      const command = guestCommand(contender, shape, { kernel: kernelPath, initrd });
      const run = await measuredRun(command, { timeout: options.timeout, lines: LINES });
      const times = timesOf(run, programs, contender.label);
      checkOutputs(outputs, times, contender.label);
      const seconds = [...times].map(([name, { outside }]) => `${name} ${formatSeconds(outside)}`).join(', ');
      onProgress(`turn ${turn + 1}/${options.runs}, ${vcpus} vCPUs, ${contender.label}: ${seconds}`);
      return times;
    });
    const by = (of: (times: ProgramTimes) => number) =>
      Object.fromEntries(
        Object.entries(runs).map(([label, own]) => [
          label,
          own.map((times) => new Map([...times].map(([name, each]) => [name, of(each)]))),
        ]),
      );
    rows.push(
      ...workRows(
        field,
        vcpus,
        programs,
        by(({ outside }) => outside),
      ),
    );
    cpuRows.push(
      ...workRows(
        field,
        vcpus,
        programs,
        by(({ cpu = Number.NaN }) => cpu),
      ),
    );
  }
  return { setting: readSetting(field), rows, cpuRows };
}

/** Lines around each program. */
export const LINES = /^(begin|end) \w+ \d+\.\d+( [0-9a-f]{32})?$/;

/** The programs, each in a folder of its own, with a line before and after it that has the guest's time. */
export function script(programs: readonly GuestProgram[]): string {
  const work = programs.map(
    ({ name }) => `mkdir /tmp/${name}; cd /tmp/${name}
echo "begin ${name} $(now)"
sh -e /programs/${name} > /tmp/output || { echo "${name} failed"; exit 1; }
time=$(now)
echo "end ${name} $time $(md5sum < /tmp/output | cut -c 1-32)"
cd /; rm -rf /tmp/${name}`,
  );
  const files = programs.map(
    ({ name, script: own }) => `cat > /programs/${name} << 'PROGRAM'\n${own}\nPROGRAM`,
  );
  return `export PATH=/usr/bin:/bin LC_ALL=C
now() { cut -d ' ' -f 1 /proc/uptime; }
mkdir /programs
${[...files, ...work].join('\n')}
`;
}

/** The times of each program. @throws RunFailure when one has failed */
export function timesOf(
  run: Pick<MeasuredRun, 'lines' | 'status' | 'output'>,
  programs: readonly GuestProgram[],
  label: string,
): ReadonlyMap<string, ProgramTimes> {
  const times = new Map<string, ProgramTimes>();
  for (const { name } of programs) {
    const [begin, end] = ['begin', 'end'].map((word) =>
      run.lines.find(({ text }) => text.startsWith(`${word} ${name} `)),
    );
    const [beginTime, endTime] = [begin, end].map((line) => Number(line?.text.split(' ')[2]));
    const output = end?.text.split(' ')[3];
    if (begin === undefined || end === undefined || output === undefined) {
      throw new RunFailure(
        `${name} did not come to its end on ${label}; status ${run.status}; ` +
          `the end of its output: ${run.output.slice(-2000).trim()}`,
      );
    }
    const cpu = ({ at: { user = Number.NaN, system = Number.NaN } }: typeof begin) => user + system;
    const spent = cpu(end) - cpu(begin);
    times.set(name, {
      ...{ outside: end.at.wall - begin.at.wall, inside: endTime - beginTime, output },
      cpu: Number.isNaN(spent) ? undefined : spent,
    });
  }
  return times;
}

/** @throws RunFailure when a program has printed something else than before */
export function checkOutputs(
  outputs: Map<string, string>,
  times: ReadonlyMap<string, Pick<ProgramTimes, 'output'>>,
  label: string,
): void {
  for (const [name, { output }] of times) {
    const before = outputs.get(name) ?? output;
    outputs.set(name, before);
    if (before === output) continue;
    throw new RunFailure(`${name} printed something else on ${label} than before: ${output}, not ${before}`);
  }
}

/** A guest, as QEMU and as hartvisor on so many threads take it. */
export function guestCommand(
  contender: Contender,
  { vcpus, pcpus, memory }: { readonly vcpus: number; readonly pcpus: number; readonly memory: string },
  { kernel, initrd }: { readonly kernel: string; readonly initrd: string },
): CommandLine {
  const files = ['-kernel', kernel, '-initrd', initrd, '-append', words];
  if (contender.kind === 'qemu') return qemuCommand(contender, '-smp', `${vcpus}`, '-m', memory, ...files);
  const shape = ['--smp', `${vcpus}`, '--pcpus', `${pcpus}`, '--memory', memory];
  return hartvisorCommand(
    contender,
    'run',
    ...shape,
    ...files.map((word) => word.replace(/^-(?=[kia])/, '--')),
  );
}

/** The result for people. */
export function formatProgramsResult({ setting, rows, cpuRows }: ProgramsResult): string {
  const labels = setting.contenders.map(({ label }) => label);
  return [
    'Programs of Debian in a guest: speed relative to QEMU (above 1: faster than QEMU)',
    describeSetting(setting),
    `medians of ${rows[0]?.samples[labels[0]].length ?? 0} turns`,
    '',
    formatWorkRows('wall', labels, rows),
    '',
    formatWorkRows('CPU', labels, cpuRows),
  ].join('\n');
}

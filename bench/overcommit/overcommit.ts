/**
 * More vCPUs than processors: the same guest, work and host with few vCPUs and with many, on hartvisor (as many threads
 * in all cases) and on QEMU, in turns.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { greeting, initramfs } from '../../src/boot/initramfs.ts';
import { everyone, prepareField } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { type CommandLine, measuredRun, RunFailure } from '../measured-run.ts';
import type { OvercommitOptions } from '../options.ts';
import { checkOutputs, guestCommand, LINES, script, timesOf } from '../programs/bench.ts';
import { programFiles } from '../programs/programs.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { median, ratioOfTurns, type Spread } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { overcommitWorks } from './works.ts';

/** Seconds by the name of the work, of one run. */
export type Times = ReadonlyMap<string, number>;

/** One kind of work of one contender. */
export interface OvercommitRow {
  readonly label: string;
  readonly about: string;
  readonly vcpus: number;
  /** Seconds with the fewest vCPUs, and with as many as the row says; one of each for a turn. */
  readonly few: readonly number[];
  readonly many: readonly number[];
  /** Throughput relative to that with the fewest vCPUs: above 1 is faster. */
  readonly throughput: Spread;
}

/** Everything that was measured. */
export interface OvercommitResult {
  readonly setting: Setting;
  readonly pcpus: number;
  readonly fewest: number;
  readonly rows: readonly OvercommitRow[];
}

/**
 * Measures.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU, the guest or a package is missing; RunFailure when a guest does not do its work
 */
export async function runOvercommitBench(
  options: OvercommitOptions,
  onProgress: (line: string) => void,
): Promise<OvercommitResult> {
  using directory = temporaryDirectory('overcommit');
  const field = await prepareField(options, directory.path, onProgress);
  const setting = readSetting(field);
  const { kernelPath: kernel, busyboxPath } = await debianFiles(onProgress);
  const initrd = join(directory.path, 'initrd');
  const extraFiles = await programFiles(overcommitWorks, onProgress);
  const run = script(overcommitWorks);
  writeFileSync(initrd, initramfs({ busybox: readFileSync(busyboxPath), run, extraFiles }));
  const guest = { kernel, initrd, outputs: new Map<string, string>() };
  const runs = new Map<string, Times[]>();
  for (let turn = 1; turn <= options.runs; turn++) {
    for (const contender of everyone(field)) {
      for (const vcpus of options.smp) {
        const what = `${contender.label} with ${vcpus} vCPUs`;
        const times = await runOnce(
          what,
          guestCommand(contender, { ...options, vcpus, pcpus: Math.min(options.pcpus, vcpus) }, guest),
          guest,
          options,
        );
        const key = keyOf(contender.label, vcpus);
        runs.set(key, [...(runs.get(key) ?? []), times]);
        const seconds = [...times].map(([name, each]) => `${name} ${formatSeconds(each)} s`).join(', ');
        onProgress(`turn ${turn}/${options.runs}, ${what}: ${seconds}`);
      }
    }
  }
  const rows = everyone(field).flatMap(({ label }) => rowsOf(label, options.smp, runs));
  return { setting, pcpus: options.pcpus, fewest: options.smp[0] ?? 0, rows };
}

/** @throws RunFailure when the guest does not boot in time, or does not do its work as everybody else's */
async function runOnce(
  what: string,
  command: CommandLine,
  { outputs }: { readonly outputs: Map<string, string> },
  { timeout }: OvercommitOptions,
): Promise<Times> {
  const run = await measuredRun(command, { timeout, marker: greeting, lines: LINES });
  if (run.marker === undefined)
    throw new RunFailure(`${what} did not boot in ${timeout} s: ${run.output.slice(-2000).trim()}`);
  const programs = timesOf(run, overcommitWorks, what);
  checkOutputs(outputs, programs, what);
  return new Map([
    ['boot', run.marker.wall],
    ...[...programs].map(([name, { outside }]) => [name, outside] as const),
  ]);
}

const keyOf = (label: string, vcpus: number): string => `${vcpus} ${label}`;

/** The rows of a contender: each work with each number of vCPUs against the first number. */
export function rowsOf(
  label: string,
  [fewest, ...others]: readonly number[],
  runs: ReadonlyMap<string, readonly Times[]>,
): OvercommitRow[] {
  const works = [{ name: 'boot', about: 'boot to userspace' }, ...overcommitWorks];
  const secondsOf = (vcpus: number | undefined, name: string) =>
    (runs.get(keyOf(label, vcpus ?? 0)) ?? []).map((times) => times.get(name) ?? Number.NaN);
  return others.flatMap((vcpus) =>
    works.map(({ name, about }) => {
      const [few, many] = [secondsOf(fewest, name), secondsOf(vcpus, name)];
      return { label, about, vcpus, few, many, throughput: ratioOfTurns(few, many) };
    }),
  );
}

/** The result for people. */
export function formatOvercommitResult({ setting, pcpus, fewest, rows }: OvercommitResult): string {
  const cells = rows.map(({ label, about, vcpus, few, many, throughput }) => [
    `${label}, ${vcpus} vCPUs, ${about}`,
    formatSeconds(median(few)),
    formatSeconds(median(many)),
    formatRatio(throughput.median),
    `${formatRatio(throughput.min)}..${formatRatio(throughput.max)}`,
  ]);
  return [
    `More vCPUs than processors: throughput relative to that of ${fewest} vCPUs (above 1: faster)`,
    describeSetting(setting),
    `hartvisor on ${pcpus} threads; medians of ${rows[0]?.few.length ?? 0} turns`,
    '',
    formatTable([['work', `${fewest} vCPUs s`, 'many s', 'speed', 'min..max'], ...cells]),
  ].join('\n');
}

/**
 * The cost of a trace: the same guests with `--trace` and without it, in turns. The yardstick is the run without; CPU
 * time is that of all threads, the one that writes the trace among them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { greeting, initramfs } from '../../src/boot/initramfs.ts';
import { debianFiles } from '../debian-files.ts';
import { type CommandLine, type MeasuredRun, measuredRun, RunFailure } from '../measured-run.ts';
import type { TraceOptions } from '../options.ts';
import { median, ratioOfTurns } from '../statistics.ts';
import { formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const TIMEOUT = 120;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The first module of a checkout's command. */
const COMMAND = 'src/cli/start.js';
/** The words of hartvisor at the end of a traced run. */
const REPORT = /has ([\d,]+) events \(([\d,.]+ [kM]B)\)/;

/** A guest, and the end of its output by which it is known to have done its work. */
interface Work {
  readonly name: string;
  readonly args: readonly string[];
  readonly marker: string;
}

/** How hartvisor is run: without a trace, with one, and as another version without one. */
type Side = 'plain' | 'traced' | 'other';

type Runs = Readonly<Record<Side, MeasuredRun[]>>;

/**
 * Measures, and gives the table.
 *
 * @throws RunFailure when a guest does not end as it should
 */
export async function runTraceBench(
  options: TraceOptions,
  onProgress: (line: string) => void,
): Promise<string> {
  using directory = temporaryDirectory('trace');
  const makers = { linux: () => linuxWork(directory.path, onProgress), tick: tickWork };
  const rows: string[][] = [];
  for (const guest of options.guests) {
    const work = await makers[guest]();
    rows.push(...rowsOf(work, await measure(work, options, directory.path, onProgress)));
  }
  const head = ['guest', 'CPU s', 'ratio of CPU', 'extremes', 'ratio of wall', 'events', 'file', 'events/s'];
  return formatTable([head, ...rows]);
}

async function linuxWork(directory: string, onProgress: (line: string) => void): Promise<Work> {
  const files = await debianFiles(onProgress);
  const initrd = join(directory, 'initrd');
  writeFileSync(initrd, initramfs({ busybox: readFileSync(files.busyboxPath) }));
  const guest = ['--kernel', files.kernelPath, '--initrd', initrd, '--append', 'hartvisor.run=true'];
  return { name: 'Linux, to power-off', args: ['--smp', '2', '--pcpus', '2', ...guest], marker: greeting };
}

function tickWork(): Work {
  const shape = ['--smp', '4', '--pcpus', '2'];
  const args = ['--guest', 'tick', ...shape, '--append', 'rounds=2000'];
  return { name: 'tick, nothing but interrupts', args, marker: 'tick: PASS' };
}

async function measure(
  work: Work,
  { runs, checkout }: TraceOptions,
  directory: string,
  onProgress: (line: string) => void,
): Promise<Runs> {
  const samples: Runs = { plain: [], traced: [], other: [] };
  const sides: readonly Side[] = checkout === undefined ? ['plain', 'traced'] : ['plain', 'traced', 'other'];
  for (let turn = 1; turn <= runs; turn++) {
    // The side that begins changes: the first one warms up caches of the host.
    for (const side of turn % 2 === 0 ? sides : sides.toReversed()) {
      const trace = side === 'traced' ? ['--trace', join(directory, 'trace')] : [];
      const command = join(side === 'other' ? (checkout ?? ROOT) : ROOT, COMMAND);
      const line: CommandLine = [process.execPath, command, 'run', ...work.args, ...trace];
      const run = await measuredRun(line, { timeout: TIMEOUT, marker: work.marker });
      if (run.status !== 0 || run.marker === undefined)
        throw new RunFailure(`${work.name}, ${side}, failed: ${run.output.slice(-1000)}`);
      samples[side].push(run);
      onProgress(`turn ${turn}/${runs}, ${work.name}, ${side}: CPU ${formatSeconds(cpu(run))} s`);
    }
  }
  return samples;
}

/** Each side against the run without a trace. */
function rowsOf({ name }: Work, samples: Runs): string[][] {
  const { plain, traced, other } = samples;
  const row = (label: string, runs: readonly MeasuredRun[], more: readonly string[]) => {
    const ratio = ratioOfTurns(runs.map(cpu), plain.map(cpu));
    const wall = ratioOfTurns(runs.map(wallOf), plain.map(wallOf));
    const extremes = `${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}`;
    const seconds = formatSeconds(median(runs.map(cpu)));
    return [label, seconds, ratio.median.toFixed(3), extremes, wall.median.toFixed(3), ...more];
  };
  const none = ['', '', ''];
  return [
    row(name, plain, none),
    row('  traced', traced, sizeOf(traced)),
    ...(other.length === 0 ? [] : [row('  the other version, not traced', other, none)]),
  ];
}

/** Events, bytes and events of each second, of the last run. */
function sizeOf(runs: readonly MeasuredRun[]): readonly string[] {
  const last = runs.at(-1);
  const [, events, size] = REPORT.exec(last?.output ?? '') ?? [];
  if (last === undefined || events === undefined || size === undefined)
    throw new RunFailure('the run did not say how large its trace is');
  const rate = Number(events.replaceAll(',', '')) / last.wall;
  return [events, size, Math.round(rate).toLocaleString('en-US')];
}

const cpu = ({ user, system }: MeasuredRun): number => user + system;
const wallOf = ({ wall }: MeasuredRun): number => wall;

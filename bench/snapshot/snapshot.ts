/**
 * The default guest saved to a file and restored, against its own boot, in turns; and the memory that restored machines
 * take beside what their guests use. Each turn boots in a new process, restores in that one, whose threads have had a
 * machine, and restores in another new one.
 */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { boot, restore, type Vm } from '../../src/node/index.ts';
import { median } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { bytesInUse, type FirstTurn, works } from './measured-turn.ts';

const TURNS = 3;
const MACHINES = 20;
const MIB = 2 ** 20;

interface Turn extends FirstTurn {
  /** In a new process. */
  readonly restoreAnew: number;
}

/** @param what of `measured-turn.ts` */
async function inNewProcess(what: 'first' | 'anew', file: string): Promise<unknown> {
  const program = join(import.meta.dirname, 'measured-turn.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, what, file]);
  return JSON.parse(stdout);
}

async function turn(file: string): Promise<Turn> {
  const first = (await inNewProcess('first', file)) as FirstTurn;
  return { ...first, restoreAnew: (await inNewProcess('anew', file)) as number };
}

/** Bytes of this process beside what the guests use, for each machine. */
async function memoryBeside(): Promise<{ readonly each: number; readonly used: number }> {
  const first = await boot({ cpus: 1, memory: '128M' });
  await works(first);
  const image = await first.snapshot();
  const used = await first.machine.save(bytesInUse);
  await first.stop();
  // Whatever is made once is there.
  await (await restore(image)).stop();
  const before = process.memoryUsage().rss;
  const machines: Vm[] = [];
  for (let count = 0; count < MACHINES; count++) {
    const vm = await restore(image);
    await works(vm);
    machines.push(vm);
  }
  for (const vm of machines) await works(vm);
  const each = (process.memoryUsage().rss - before) / MACHINES - used;
  await Promise.all(machines.map((vm) => vm.stop()));
  return { each, used };
}

/** Measures all of it. @returns for people */
export async function runSnapshotBench(onProgress: (line: string) => void): Promise<string> {
  using folder = temporaryDirectory('snapshot');
  const file = join(folder.path, 'machine');
  const turns: Turn[] = [];
  for (let count = 1; count <= TURNS; count++) {
    onProgress(`turn ${count} of ${TURNS}`);
    turns.push(await turn(file));
  }
  const of = (name: keyof Turn) => median(turns.map((each) => each[name]));
  onProgress(`${MACHINES} machines`);
  const beside = await memoryBeside();
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  return [
    `${cpus().length} processors (${cpus()[0]?.model.trim() ?? 'unknown'}); medians of ${TURNS} turns`,
    formatTable([
      ['the default guest, 2 vCPUs, 256 MiB', 'result'],
      ['boot to the result of a command', `${formatSeconds(of('boot'))} s`],
      ['restore to the same, in the process that has booted', `${formatSeconds(of('restore'))} s`],
      ['the same : boot', formatRatio(median(turns.map((each) => each.restore / each.boot)))],
      ['restore in a new process', `${formatSeconds(of('restoreAnew'))} s`],
      ['the same : boot', formatRatio(median(turns.map((each) => each.restoreAnew / each.boot)))],
      ['saved with more in its memory', `${formatSeconds(of('save'))} s`],
      ['memory in use then', mib(of('usedBytes'))],
      ['the file', mib(of('fileBytes'))],
      ['file : memory in use', formatRatio(of('fileBytes') / of('usedBytes'))],
      [`${MACHINES} machines of 128 MiB: in use by each guest`, mib(beside.used)],
      ['each machine beside that', mib(beside.each)],
    ]),
  ].join('\n');
}

/**
 * The default guest saved to a file and restored, against its own boot, in turns within one process; and the memory
 * that restored machines take beside what their guests use.
 */
import { statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { PAGE, pagesInUse } from '../../src/machine/snapshot/ram-pages.ts';
import type { SavedMachine } from '../../src/machine/snapshot/saved-machine.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { boot, restore, type Vm } from '../../src/node/index.ts';
import { RunFailure } from '../measured-run.ts';
import { median } from '../statistics.ts';
import { formatRatio, formatSeconds, formatTable } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const TURNS = 3;
const MACHINES = 20;
const MIB = 2 ** 20;
/**
 * The contents of the guest's memory beside the system: as much as files of usual programs do, which pack as they do.
 */
const FILL =
  'mkdir -p /tmp/fill; for n in 1 2 3 4 5 6; do tar cf - /bin /lib /etc 2> /dev/null | (echo $n; cat) > /tmp/fill/$n; done';

interface Turn {
  readonly boot: number;
  readonly save: number;
  readonly restore: number;
  readonly usedBytes: number;
  readonly fileBytes: number;
}

async function works(vm: Vm): Promise<void> {
  const { exitCode } = await vm.commands.run('true');
  if (exitCode !== 0) throw new RunFailure('the guest cannot run a program');
}

/** Seconds that something takes. */
async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

function bytesInUse({ memory, plan }: SavedMachine): number {
  const ram = new GuestMemory(memory, plan.ram).asWords();
  let pages = 0;
  for (const { count } of pagesInUse(ram, ram.length)) pages += count;
  return pages * PAGE;
}

async function turn(file: string): Promise<Turn> {
  let vm: Vm | undefined;
  const booted = await timed(async () => {
    vm = await boot({ cpus: 2, memory: '256M' });
    await works(vm);
  });
  if (vm === undefined) throw new RunFailure('there is no machine');
  const first = vm;
  await first.commands.run(FILL);
  const save = await timed(() => first.save(file));
  const usedBytes = await first.machine.save(bytesInUse);
  await first.stop();
  const restored = await timed(async () => {
    const other = await restore(file);
    await works(other);
    vm = other;
  });
  await vm.stop();
  return { boot: booted, save, restore: restored, usedBytes, fileBytes: statSync(file).size };
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
      ['restore to the same', `${formatSeconds(of('restore'))} s`],
      ['restore : boot', formatRatio(median(turns.map((each) => each.restore / each.boot)))],
      ['save', `${formatSeconds(of('save'))} s`],
      ['memory in use', mib(of('usedBytes'))],
      ['the file', mib(of('fileBytes'))],
      ['file : memory in use', formatRatio(of('fileBytes') / of('usedBytes'))],
      [`${MACHINES} machines of 128 MiB: in use by each guest`, mib(beside.used)],
      ['each machine beside that', mib(beside.each)],
    ]),
  ].join('\n');
}

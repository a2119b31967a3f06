/** Measures in a process of its own: the program of a child of the benchmark. */
import { statSync } from 'node:fs';
import { PAGE, pagesInUse } from '../../src/machine/snapshot/ram-pages.ts';
import type { SavedMachine } from '../../src/machine/snapshot/saved-machine.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { boot, restore, type Vm } from '../../src/node/index.ts';
import { RunFailure } from '../measured-run.ts';

/**
 * The contents of the guest's memory beside the system, some 40 MiB, in files: programs, and text. Pages of programs
 * pack to a half, those of text to a fifth.
 */
const FILL =
  'mkdir -p /tmp/fill; for n in $(seq 10); do tar cf - /bin /lib /etc 2> /dev/null | (echo $n; cat) > /tmp/fill/$n; done; ' +
  'for n in 11 12 13; do sed s/^/$n/ /proc/kallsyms > /tmp/fill/$n; done';

/** Times in seconds. */
export interface FirstTurn {
  readonly boot: number;
  /** With its memory filled, as the sizes are. */
  readonly save: number;
  /** As it was after the boot, in the process that has booted it. */
  readonly restore: number;
  readonly usedBytes: number;
  readonly fileBytes: number;
}

/** @throws RunFailure when the guest cannot run a program */
export async function works(vm: Vm): Promise<void> {
  const { exitCode } = await vm.commands.run('true');
  if (exitCode !== 0) throw new RunFailure('the guest cannot run a program');
}

/** Bytes of the guest's memory that are not zero, in pages. */
export function bytesInUse({ memory, plan }: SavedMachine): number {
  const ram = new GuestMemory(memory, plan.ram).asWords();
  let pages = 0;
  for (const { count } of pagesInUse(ram, ram.length)) pages += count;
  return pages * PAGE;
}

/** Seconds that something takes. */
async function timed<Result>(work: () => Promise<Result>): Promise<{ result: Result; seconds: number }> {
  const begin = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - begin) / 1000 };
}

/** @returns the machine that has run a command, and the seconds until then */
function ready(begin: () => Promise<Vm>) {
  return timed(async () => {
    const vm = await begin();
    await works(vm);
    return vm;
  });
}

async function firstTurn(file: string): Promise<FirstTurn> {
  const booted = await ready(() => boot({ cpus: 2, memory: '256M' }));
  const first = booted.result;
  await first.save(file);
  await first.stop();
  const restored = await ready(() => restore(file));
  const other = restored.result;
  await other.commands.run(FILL);
  const full = `${file}.full`;
  const save = await timed(() => other.save(full));
  const usedBytes = await other.machine.save(bytesInUse);
  await other.stop();
  const sizes = { usedBytes, fileBytes: statSync(full).size };
  return { boot: booted.seconds, save: save.seconds, restore: restored.seconds, ...sizes };
}

async function restoreOnly(file: string): Promise<number> {
  const restored = await ready(() => restore(file));
  await restored.result.stop();
  return restored.seconds;
}

if (import.meta.main) {
  const [what, file = ''] = process.argv.slice(2);
  const result = what === 'first' ? await firstTurn(file) : await restoreOnly(file);
  process.stdout.write(JSON.stringify(result));
}

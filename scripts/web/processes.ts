import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a tick of `/proc/PID/stat`, which has a hundred a second on every Linux. */
const TICK_MS = 10;

/** Places in `/proc/PID/stat` behind the name (proc_pid_stat(5)). */
const STAT = { parent: 1, user: 11, system: 12 } as const;

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly milliseconds: number;
}

/**
 * Processor time that the processes below this one have taken so far, in milliseconds: unlike the time that somebody
 * waits, it says something on a host that has other things to do, too. Those that have ended are not in it.
 */
export function processorTime(): number {
  return processesBelow().reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

/** Bytes of memory of the processes below this one, where each has its part of what they share. */
export function memoryBelow(): number {
  return processesBelow().reduce((sum, { id }) => sum + memoryOf(id), 0);
}

function processesBelow(): readonly Process[] {
  const all = new Map<number, Process>();
  for (const name of readdirSync('/proc')) {
    const process = /^\d+$/.test(name) ? readProcess(name) : undefined;
    if (process !== undefined) all.set(process.id, process);
  }
  const isBelow = (id: number): boolean => {
    const parent = all.get(id)?.parent;
    return parent !== undefined && (parent === process.pid || isBelow(parent));
  };
  return [...all.values()].filter(({ id }) => isBelow(id));
}

function readProcess(name: string): Process | undefined {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'latin1');
    // The name is in parentheses, and may have some itself.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const { parent, user, system } = STAT;
    const milliseconds = TICK_MS * (fields[user] + fields[system]);
    return { id: Number(name), parent: fields[parent], milliseconds };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function memoryOf(id: number): number {
  try {
    const rollup = readFileSync(`/proc/${id}/smaps_rollup`, 'latin1');
    return 1024 * Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a tick of `/proc/PID/stat`, which has a hundred a second on every Linux. */
const TICK_MS = 10;

/** Places in `/proc/PID/stat` behind the name (proc_pid_stat(5)). */
const STAT = { parent: 1, user: 11, system: 12 } as const;

interface Process {
  readonly parent: number;
  readonly milliseconds: number;
}

/**
 * Processor time that the processes below this one have taken so far, in milliseconds: unlike the time that somebody
 * waits, it says something on a host that has other things to do, too. Those that have ended are not in it.
 */
export function processorTime(): number {
  const all = new Map<number, Process>();
  for (const name of readdirSync('/proc')) {
    const process = /^\d+$/.test(name) ? readProcess(name) : undefined;
    if (process !== undefined) all.set(Number(name), process);
  }
  const isBelow = (id: number): boolean => {
    const parent = all.get(id)?.parent;
    return parent !== undefined && (parent === process.pid || isBelow(parent));
  };
  return [...all].reduce((sum, [id, { milliseconds }]) => (isBelow(id) ? sum + milliseconds : sum), 0);
}

function readProcess(id: string): Process | undefined {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'latin1');
    // The name is in parentheses, and may have some itself.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const { parent, user, system } = STAT;
    return { parent: fields[parent], milliseconds: TICK_MS * (fields[user] + fields[system]) };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

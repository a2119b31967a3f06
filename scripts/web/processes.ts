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

/** Bytes of memory. */
export interface MemoryUse {
  readonly all: number;
  /** Those in mappings that may be RAM of guests: as large as that, with data, no code and no file. */
  readonly guests: number;
}

/**
 * Memory of the processes below this one, where each has its part of what they share.
 *
 * @param guestBytes RAM of a guest
 */
export function memoryBelow(guestBytes: number): MemoryUse {
  const uses = processesBelow().map(({ id }) => memoryOf(id, guestBytes));
  const sum = (name: keyof MemoryUse) => uses.reduce((bytes, use) => bytes + use[name], 0);
  return { all: sum('all'), guests: sum('guests') };
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

/** Where a mapping begins and ends, its rights, and whether it has a file (proc_pid_smaps(5)). */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)/;
const SHARE = /^Pss: +(\d+) kB$/;

function memoryOf(id: number, guestBytes: number): MemoryUse {
  let [all, guests, isGuest] = [0, 0, false];
  for (const line of linesOf(`/proc/${id}/smaps`)) {
    const [, begin, end, rights, inode] = MAPPING.exec(line) ?? [];
    if (begin !== undefined) {
      const bytes = Number.parseInt(end, 16) - Number.parseInt(begin, 16);
      isGuest = bytes >= guestBytes && rights.startsWith('rw-') && inode === '0';
    }
    const share = 1024 * Number(SHARE.exec(line)?.[1] ?? 0);
    all += share;
    if (isGuest) guests += share;
  }
  return { all, guests };
}

/** None of a process that has ended meanwhile. */
function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
}

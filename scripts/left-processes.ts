/**
 * Names and ends the processes that a test run leaves behind: they would use the machine, and some of them for ever.
 * Vitest calls it before the first test and after the last one. Such a run does not fail, since how long a process
 * takes to end is for the system to say.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Each process that tests start has it in its environment, whoever started it. */
const MARK = 'HARTVISOR_TEST_RUN';
const run = randomUUID();
/** Milliseconds in which processes may still come to their end. Nobody waits if none are left. */
const LONGEST_END = 5000;
const INTERVAL = 250;

/** A process that is there and should not be. */
export interface LeftProcess {
  readonly pid: number;
  readonly command: string;
}

/** @returns a function to call after the last test */
export default function watchProcesses(): () => Promise<void> {
  process.env[MARK] = run;
  return async () => {
    for (let waited = 0; waited < LONGEST_END && leftProcesses(run).length > 0; waited += INTERVAL)
      await delay(INTERVAL);
    const left = leftProcesses(run);
    if (left.length === 0) return;
    const lines = left.map(({ pid, command }) => `  ${pid} ${command}`);
    console.error(`Tests have left processes behind, which are ended now:\n${lines.join('\n')}`);
    for (const { pid } of left) end(pid);
  };
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/**
 * The processes of a test run, but for this one and its children, which carry out tests. There are none where the
 * system has no `/proc`.
 */
export function leftProcesses(mark: string): LeftProcess[] {
  return pids().flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (!environment.includes(`${MARK}=${mark}`) || isOurs(pid)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid, command: command.slice(0, 200) }];
    } catch {
      // It has ended meanwhile, or belongs to somebody else.
      return [];
    }
  });
}

function isOurs(pid: number): boolean {
  if (pid === process.pid) return true;
  // The name, in parentheses, may have any characters (proc_pid_stat(5)); the parent is the second word behind it.
  const [, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(parent) === process.pid;
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

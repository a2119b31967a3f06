import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { InputError } from '../src/errors/input-error.ts';

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

/** The measurements beside the whole run, and when to give up. */
export interface RunLimits {
  /** Seconds after which the program is killed. */
  readonly timeout: number;
  /** Text of the output whose time is wanted. */
  readonly marker?: string;
  /** Lines of the output whose times are wanted, without their ends. */
  readonly lines?: RegExp;
}

/** A point of a run, in seconds from its start. */
export interface Moment {
  readonly wall: number;
  /** CPU time in user mode until then; undefined where Linux' /proc does not tell it. */
  readonly user: number | undefined;
  /** The same in the kernel. */
  readonly system: number | undefined;
}

/** A line of the output and when it was complete. */
export interface TimedLine {
  readonly text: string;
  readonly at: Moment;
}

/** How a run went. Times are seconds. */
export interface MeasuredRun {
  /** Exit status; 128 + number for a signal, as a shell says it. */
  readonly status: number;
  readonly timedOut: boolean;
  /** Standard output and standard error, as they came. */
  readonly output: string;
  readonly wall: number;
  /** CPU time of the process with all its threads and children. */
  readonly user: number;
  readonly system: number;
  /** When the marker was in the output; undefined if it never was. */
  readonly marker: Moment | undefined;
  /** The lines that were asked for. */
  readonly lines: readonly TimedLine[];
}

/** A run that did not do what is measured: no mistake of the user, and where it was found says nothing. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
}

/** Node does not tell what a child used, but POSIX shells do: `times` prints their own time, then that of children. */
const shellScript = '"$@" 3>&-; status=$?; times >&3; exit $status';

/**
 * Runs a program to its end, with an empty standard input, and measures it.
 *
 * The program is a child of this process in a group of its own; it dies with this process.
 *
 * @throws InputError when there is no such program
 */
export async function measuredRun(command: CommandLine, limits: RunLimits): Promise<MeasuredRun> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const child = spawn('sh', ['-c', shellScript, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  using _guard = killedWithUs(child);
  const run = { output: '', times: '', marker: undefined as Moment | undefined, timedOut: false };
  const lines: TimedLine[] = [];
  const thisMoment = (): Moment => ({ wall: seconds(), ...timesOfChildren(child.pid) });
  const collectFrom = (stream: unknown) => {
    let unfinished = '';
    readText(stream, (text) => {
      run.output += text;
      if (limits.marker !== undefined && run.output.includes(limits.marker)) run.marker ??= thisMoment();
      if (limits.lines === undefined) return;
      const complete = (unfinished + text).split('\n');
      unfinished = complete.pop() ?? '';
      for (const line of complete.map((one) => one.replace(/\r$/, ''))) {
        if (limits.lines.test(line)) lines.push({ text: line, at: thisMoment() });
      }
    });
  };
  collectFrom(child.stdio[1]);
  collectFrom(child.stdio[2]);
  readText(child.stdio[3], (text) => {
    run.times += text;
  });
  const timer = setTimeout(() => {
    run.timedOut = true;
    kill(child);
  }, limits.timeout * 1000);
  try {
    const status = await exitStatus(child);
    const wall = seconds();
    if (!run.timedOut && (status === 126 || status === 127)) {
      throw new InputError(`${command[0]} cannot be run: ${run.output.trim()}`);
    }
    const used = run.timedOut ? { user: Number.NaN, system: Number.NaN } : parseTimes(run.times);
    return { status, wall, ...used, output: run.output, marker: run.marker, lines, timedOut: run.timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads what `times` prints: `0m0.010s 0m0.000s` for the shell, then the same for its children, user time first.
 *
 * @throws Error when it is something else
 */
export function parseTimes(text: string): { user: number; system: number } {
  const [user, system] = (text.trim().split('\n')[1] ?? '').split(' ').map((time) => {
    const parts = /^(\d+)m(\d+(?:\.\d+)?)s$/.exec(time);
    return parts === null ? Number.NaN : Number(parts[1]) * 60 + Number(parts[2]);
  });
  if (user === undefined || system === undefined || Number.isNaN(user + system)) {
    throw new Error(`the shell's times are not as POSIX has them: ${JSON.stringify(text)}`);
  }
  return { user, system };
}

/** The unit of times in /proc: the same on all Linux systems, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;
/** Of `/proc/PID/stat` behind the name in parentheses: fields 14 and 15 of proc(5), where the state is field 3. */
const USER_TIME = 14 - 3;
const SYSTEM_TIME = 15 - 3;

function timesOfChildren(shell: number | undefined): Pick<Moment, 'user' | 'system'> {
  try {
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ');
    const fields = children.map((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    });
    const seconds = (field: number) =>
      fields.reduce((sum, own) => sum + Number(own[field]), 0) / TICKS_PER_SECOND;
    return { user: seconds(USER_TIME), system: seconds(SYSTEM_TIME) };
  } catch {
    return { user: undefined, system: undefined };
  }
}

function readText(stream: unknown, onText: (text: string) => void): void {
  (stream as Readable).setEncoding('utf8').on('data', onText);
}

function exitStatus(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
}

const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A group of its own does not get the terminal's Ctrl-C, so it is passed on. */
function killedWithUs(child: ChildProcess): Disposable {
  const onExit = () => kill(child);
  const onSignal = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
  process.on('exit', onExit);
  for (const signal of interrupts) process.on(signal, onSignal);
  return {
    [Symbol.dispose]() {
      process.off('exit', onExit);
      for (const signal of interrupts) process.off(signal, onSignal);
    },
  };
}

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { compileCacheDir } from '../../src/node/compile-cache.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A cache that cannot be: nothing is fetched. */
const NO_CACHE = '/dev/null/cache';
/** One that has the interpreter, which takes a third of a second of each processor to generate. */
const INTERPRETERS = fileURLToPath(new URL('../../build/tests/interpreters', import.meta.url));
/** Words by which a guest is named that need not be fetched. */
const AT_HAND = ['--kernel', 'tick', 'machine'];

/** The result of a run of the command line. */
export interface Ran {
  /** The exit status; null when a signal ended the process. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run that has been started. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Waits until the output so far holds the text, and returns it all; fails when the process ends first. */
  printed(text: string): Promise<string>;
  /** The same of what is said on the error stream. */
  said(text: string): Promise<string>;
  readonly ended: Promise<Ran>;
}

/** Code that earlier runs have compiled is used, although there is no cache. */
const compileCache = compileCacheDir();
const compiled = compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache };

/** No run of a test takes longer; the process is killed then, which shows as status null. */
const longest = 240_000;

/** Starts `hartvisor` from the sources, with pipes. Nothing is fetched. */
export function startCli(args: readonly string[], options: { env?: NodeJS.ProcessEnv } = {}): Running {
  return startProcess(process.execPath, [main, ...args], { ...cacheFor(args), ...options.env });
}

function cacheFor(args: readonly string[]): NodeJS.ProcessEnv {
  return AT_HAND.some((word) => args.includes(word)) ? { HARTVISOR_CACHE: INTERPRETERS } : {};
}

/** Runs another program to its end, without input, on the Node of the tests or on another one. */
export async function runNode(
  args: readonly string[],
  node: string = process.execPath,
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const { child, ended } = startProcess(node, args, env);
  child.stdin.end();
  return ended;
}

/** Starts `hartvisor` as `nohup hartvisor` does in a shell. */
export function startBelowNohup(args: readonly string[]): Running {
  const words = ['-c', 'nohup "$@"', 'bash', process.execPath, main, ...args];
  return startProcess('bash', words, cacheFor(args));
}

/**
 * Starts `hartvisor` below `script`, which gives it a terminal; pipes lead to that terminal. Its process number is
 * printed first, as `process N`.
 *
 * @param before - a shell command for the same terminal
 * @param after - another one, which finds the status in `$status`
 * @param redirections - a shell's, of streams that shall be another file than the terminal
 */
export function startOnTerminal(
  args: readonly string[],
  before = 'true',
  after = 'true',
  redirections = '',
): Running {
  const quoted = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ');
  // Ctrl-C of a terminal that is not raw ends a shell that has nothing to do at it.
  const command = `trap : INT; ${before}; sh -c "echo process \\$\\$; exec ${quoted} ${redirections}"; status=$?; ${after}; exit $status`;
  return startProcess('script', ['-qec', command, '/dev/null'], { ...cacheFor(args), SHELL: '/bin/sh' });
}

/** Runs `hartvisor` to its end, without input. */
export async function runCli(args: readonly string[]): Promise<Ran> {
  const { child, ended } = startCli(args);
  child.stdin.end();
  return ended;
}

function startProcess(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(command, args, {
    env: { ...process.env, HARTVISOR_CACHE: NO_CACHE, ...compiled, ...env },
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), longest);
  // The process may be gone before it has read its input.
  child.stdin.on('error', () => undefined);
  let stdout = '';
  let stderr = '';
  // A chunk may end within a character.
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([status]) => {
    clearTimeout(killer);
    return { status: status as number | null, stdout, stderr };
  });
  const heard = (stream: Readable, soFar: () => string) => async (text: string) => {
    let over = false;
    const end = ended.then(() => {
      over = true;
    });
    while (!soFar().includes(text)) {
      if (over) throw new Error(`"${text}" was not printed before the end; output: ${stdout}${stderr}`);
      await Promise.race([once(stream, 'data'), end]);
    }
    return soFar();
  };
  const printed = heard(child.stdout, () => stdout);
  const said = heard(child.stderr, () => stderr);
  return { child, printed, said, ended };
}

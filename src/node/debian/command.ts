import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** How a program ended, and its output. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings of {@link runCommand}. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each complete line that the program writes to file descriptor 3. */
  readonly onStatusLine?: (line: string) => void;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
}

/** The program is not installed. */
export class CommandMissing extends Error {
  override readonly name = 'CommandMissing';
  readonly command: string;

  constructor(command: string) {
    super(`${command} is not installed`);
    this.command = command;
  }
}

/**
 * Runs a program to its end, without a shell.
 *
 * @throws CommandMissing when there is no such program. A failing program is a result, not an exception.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // Messages are parsed, so they must not be translated.
    env: { ...process.env, LC_ALL: 'C', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const stop = () => child.kill();
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted === true) stop();
  const [status, stdout, stderr] = await Promise.all([
    ended(child, command).finally(() => options.signal?.removeEventListener('abort', stop)),
    readText(child.stdio[1] as Readable),
    readText(child.stdio[2] as Readable),
    readLines(child.stdio[3] as Readable, options.onStatusLine),
  ]);
  return { status, stdout, stderr };
}

/**
 * Unpacks members of a Debian package into a directory: `dpkg-deb --fsys-tarfile FILE | tar -x PATTERNS`.
 *
 * @param patterns - tar wildcards of the members, such as `./boot/vmlinux-*`.
 * @throws CommandMissing when a program is not there, Error when one fails (a damaged package, a pattern without
 * a match, a full disk).
 */
export async function unpackMembers(
  file: string,
  directory: string,
  patterns: readonly string[],
): Promise<void> {
  const archive = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const archiveEnded = ended(archive, 'dpkg-deb');
  const tar = spawn('tar', ['-x', '-C', directory, '--no-same-owner', '--wildcards', ...patterns], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  archive.stdout.pipe(tar.stdin);
  // tar ending early shows in its status; the broken pipe says nothing more.
  tar.stdin.on('error', () => undefined);
  const [archiveStatus, tarStatus, archiveMessages, tarMessages] = await Promise.all([
    archiveEnded,
    ended(tar, 'tar'),
    readText(archive.stderr),
    readText(tar.stderr),
  ]);
  if (archiveStatus !== 0 || tarStatus !== 0) {
    throw new Error(`unpacking ${file} failed: ${(archiveMessages + tarMessages).trim()}`);
  }
}

function ended(child: ReturnType<typeof spawn>, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject('code' in error && error.code === 'ENOENT' ? new CommandMissing(command) : error);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

async function readText(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
}

async function readLines(stream: Readable, onLine: ((line: string) => void) | undefined): Promise<void> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (onLine !== undefined) for (const line of lines) onLine(line);
  }
}

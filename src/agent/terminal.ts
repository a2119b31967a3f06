import { checkOptions, type OptionRules } from '../errors/arguments.ts';
import { ABORTABLE } from './arguments.ts';
import type { CommandExit } from './command-result.ts';
import type { AgentConnection } from './connection.ts';
import { IncomingBytes } from './incoming.ts';
import { CHANNEL } from './protocol.ts';
import {
  COMMAND,
  type Command,
  PROGRAM_OPTIONS,
  type ProgramOptions,
  RunningCommand,
  runRequest,
  SIZE,
  type TerminalSize,
} from './running-command.ts';
import type { SignalName } from './signals.ts';
import { waitFor } from './wait-for.ts';

/** How a terminal is opened. */
export interface TerminalOptions extends ProgramOptions, Partial<TerminalSize> {
  /** The command to run there: the user's shell unless it is given. */
  readonly command?: Command;
  /** Kills it, with its process group. */
  readonly signal?: AbortSignal;
}

const TERMINAL_OPTIONS: OptionRules<TerminalOptions> = {
  ...PROGRAM_OPTIONS,
  ...SIZE,
  ...ABORTABLE,
  command: COMMAND,
};

/** A terminal of the guest, and a program at it. */
export interface GuestTerminal {
  readonly pid: number;
  /** The keys that are typed, as bytes. */
  readonly input: WritableStream<Uint8Array>;
  /** The output: the program waits while nobody reads. */
  readonly output: ReadableStream<Uint8Array>;
  /** Tells the program of another size. */
  resize(size: TerminalSize): void;
  /** Sends a signal to the program's process group: SIGHUP unless it is given. */
  kill(signal?: SignalName | number): void;
  readonly exited: Promise<CommandExit>;
}

const SHELL = 'exec "$SHELL" -l';

/** Opens a terminal. @throws AgentError if it, or its program, cannot be had; the reason of `signal` */
export async function openTerminal(
  connection: AgentConnection,
  options: TerminalOptions,
): Promise<GuestTerminal> {
  checkOptions(options, TERMINAL_OPTIONS);
  const { command = SHELL, cols = 80, rows = 24, signal } = options;
  const request = runRequest(command, options, { cols, rows });
  await connection.ready(signal);
  let output: IncomingBytes | undefined;
  const running = new RunningCommand(connection, request, {
    data: (_, bytes) => output?.push(bytes),
    end: (channel) => {
      if (channel === CHANNEL.OUT) output?.end();
    },
    failed: (error) => output?.fail(error),
  });
  output = new IncomingBytes(running.stream, CHANNEL.OUT, connection.hold);
  const shown = output;
  const exited = waitFor(running.exited, signal, () => running.kill('SIGKILL'));
  exited.catch(() => undefined);
  const pid = await waitFor(running.started, signal);
  return {
    pid,
    input: running.input.stream(),
    get output() {
      return shown.stream;
    },
    resize: (size) => running.resize(size),
    kill: (by = 'SIGHUP') => running.kill(by),
    get exited() {
      const release = connection.hold();
      return exited.finally(release);
    },
  };
}

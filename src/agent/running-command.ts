import {
  checkArgument,
  either,
  listOf,
  type OptionRules,
  optionsOf,
  type Rule,
  recordOf,
  shown,
  whole,
} from '../errors/arguments.ts';
import { AgentError, guestError } from './agent-error.ts';
import { WORD } from './arguments.ts';
import type { CommandExit } from './command-result.ts';
import type { AgentConnection, AgentStream, ProgramEnd, StreamHandler } from './connection.ts';
import { broken } from './frame.ts';
import { WINDOW } from './incoming.ts';
import { OutgoingBytes } from './outgoing.ts';
import { type PayloadReader, PayloadWriter } from './payload.ts';
import { CHANNEL, FRAME, PROTOCOL, RUN_FLAG, STAGE } from './protocol.ts';
import { type SignalName, signalName, signalNumber } from './signals.ts';

/** A command: a line for the guest's shell, or a program with its arguments. */
export type Command = string | readonly string[];

/** Options of a program in the guest. */
export interface ProgramOptions {
  /** The folder in which it runs: the home of its user unless it is given. */
  readonly cwd?: string;
  /** Variables beside `PATH`, `HOME`, `USER`, `LOGNAME` and `SHELL`, or in their place. */
  readonly env?: Readonly<Record<string, string>>;
  /** A name or a number, and behind a colon a group if you like: `'nobody'`, `'1000:100'`. Root unless it is given. */
  readonly user?: string | number;
}

/** Linux has no greater one for a user: the last means nobody. */
const LAST_USER = 0xffff_fffe;

const VARIABLES = recordOf(WORD, 'variables by their names');
const ENV: Rule = {
  ...VARIABLES,
  fault: (name, value) => {
    const wrong = Object.keys(value).find((key) => key === '' || /[=\0]/.test(key));
    return wrong === undefined
      ? VARIABLES.fault?.(name, value)
      : `${name}: ${shown(wrong)} is not possible: give names of variables, without = and zero bytes.`;
  },
};

export const PROGRAM_OPTIONS: OptionRules<ProgramOptions> = {
  cwd: WORD,
  env: ENV,
  user: either(WORD, whole(0, LAST_USER)),
};

const WORDS = listOf(WORD, 'a list of a program and its arguments');
export const COMMAND = either(WORD, {
  ...WORDS,
  fits: (value) => Array.isArray(value) && value.length > 0,
});

/** The size of a terminal: 1 to 65535 of each. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** Linux has 16 bits for each (`struct winsize`). */
export const SIZE: OptionRules<TerminalSize> = { cols: whole(1, 0xffff), rows: whole(1, 0xffff) };

/** A program to be started, as the agent is asked for it. */
export interface RunRequest {
  readonly command: Command;
  readonly options: ProgramOptions;
  readonly payload: Uint8Array;
  readonly isTerminal: boolean;
}

/**
 * Puts together what the agent is asked for, which needs no guest yet.
 *
 * @param terminal the size of the program's own one
 * @throws InputError for words that are too long
 */
export function runRequest(command: Command, options: ProgramOptions, terminal?: TerminalSize): RunRequest {
  const payload = runPayload(command, options, terminal);
  return { command, options, payload, isTerminal: terminal !== undefined };
}

/** The receiver of a program's output. */
export interface OutputHandler {
  data(channel: number, bytes: Uint8Array): void;
  end(channel: number): void;
  failed(error: Error): void;
}

/** A program that runs in the guest, seen by its stream. */
export class RunningCommand {
  readonly stream: AgentStream;
  readonly input: OutgoingBytes;
  /** Its process. */
  readonly started: Promise<number>;
  readonly exited: Promise<CommandExit>;
  /** Fulfilled when the program has ended, and all has come that it had written itself. */
  readonly complete: Promise<CommandExit>;
  readonly #label: string;
  readonly #output: OutputHandler;
  readonly #started = Promise.withResolvers<number>();
  readonly #exited = Promise.withResolvers<CommandExit>();
  /** Bytes of its own that come yet, by channel, once it has ended. Before that: Infinity where the channel has. */
  readonly #left = new Map<number, number>();
  readonly #written = Promise.withResolvers<void>();
  #isOver = false;

  /** @param terminal its size, if it gets one */
  constructor(connection: AgentConnection, request: RunRequest, output: OutputHandler) {
    const { command, options, payload, isTerminal } = request;
    this.#output = output;
    this.#label = describeCommand(command);
    this.started = this.#started.promise;
    this.exited = this.#exited.promise;
    this.complete = this.exited.then((exit) => this.#written.promise.then(() => exit));
    // Not everybody waits for all of them.
    for (const each of [this.started, this.exited, this.complete, this.#written.promise])
      each.catch(() => undefined);
    const windows = [
      { channel: CHANNEL.OUT, bytes: WINDOW },
      ...(isTerminal ? [] : [{ channel: CHANNEL.ERR, bytes: WINDOW }]),
    ];
    this.stream = connection.open(
      { type: FRAME.RUN, payload, windows },
      this.#handler((errno, reader) => startError(errno, reader, command, options)),
    );
    this.input = new OutgoingBytes(connection, this.stream, PROTOCOL.INPUT_WINDOW);
  }

  /** @param whyNotStarted makes the error of a program that could not be started */
  #handler(whyNotStarted: (errno: number, reader: PayloadReader) => Error): StreamHandler {
    const output = this.#output;
    return {
      data: (channel, bytes) => {
        output.data(channel, bytes);
        this.#count(channel, bytes.length);
      },
      end: (channel) => {
        if (channel === CHANNEL.IN) {
          this.input.fail(new AgentError('EPIPE', `${this.#label} reads nothing any more.`));
          return;
        }
        output.end(channel);
        this.#count(channel, Number.POSITIVE_INFINITY);
      },
      credit: (_, bytes) => this.input.grant(bytes),
      started: (pid) => this.#started.resolve(pid),
      exited: (end) => this.#hasExited(end),
      done: (errno, reader) => {
        if (errno !== 0) this.#fail(whyNotStarted(errno, reader));
        else if (!this.#isOver) this.#fail(broken('the end of a program before it had ended'));
        else for (const channel of [CHANNEL.OUT, CHANNEL.ERR]) output.end(channel);
      },
      failed: (error) => this.#fail(error),
    };
  }

  #hasExited(end: ProgramEnd): void {
    this.#isOver = true;
    for (const [channel, bytes] of end.left) this.#left.set(channel, bytes - (this.#left.get(channel) ?? 0));
    this.#exited.resolve(exitOf(end));
    this.#settle();
    this.input.fail(new AgentError('EPIPE', `${this.#label} has ended: it reads nothing any more.`));
  }

  #fail(error: Error): void {
    this.#isOver = true;
    this.#started.reject(error);
    this.#exited.reject(error);
    this.#written.reject(error);
    this.input.fail(error);
    this.#output.failed(error);
  }

  /** Sends a signal to its process group. */
  kill(signal: SignalName | number = 'SIGTERM'): void {
    const payload = new PayloadWriter().u32(signalNumber(signal)).payload;
    this.stream.send(FRAME.SIGNAL, payload);
  }

  /** @throws InputError for a size that cannot be */
  resize(size: TerminalSize): void {
    checkArgument('size', size, optionsOf(SIZE, 'the size of a terminal', ['cols', 'rows']));
    this.stream.send(FRAME.RESIZE, new PayloadWriter().u32(size.cols).u32(size.rows).payload);
  }

  /** Whether it has ended, as far as it is known. */
  get isOver(): boolean {
    return this.#isOver;
  }

  #count(channel: number, bytes: number): void {
    // Only bytes behind the end are counted.
    if (!this.#isOver) {
      if (bytes === Number.POSITIVE_INFINITY) this.#left.set(channel, bytes);
      return;
    }
    this.#left.set(channel, (this.#left.get(channel) ?? 0) - bytes);
    this.#settle();
  }

  #settle(): void {
    if ([...this.#left.values()].every((bytes) => !(bytes > 0))) this.#written.resolve();
  }
}

/** A command as people are told of it. */
export function describeCommand(command: Command): string {
  const text = typeof command === 'string' ? command : command.join(' ');
  return `The command "${text.length > 80 ? `${text.slice(0, 77)}...` : text}"`;
}

/** Why a program was not started. */
function startError(
  errno: number,
  reader: PayloadReader,
  command: Command,
  { cwd = '', user = '' }: ProgramOptions,
): AgentError {
  switch (reader.left < 4 ? STAGE.PROGRAM : reader.u32()) {
    case STAGE.FOLDER:
      return guestError(errno, `${describeCommand(command)} cannot be started in ${cwd}`);
    case STAGE.USER:
      return errno === 2
        ? new AgentError('ENOENT', `user: the guest has no user or group "${user}".`)
        : guestError(errno, `${describeCommand(command)} cannot be started as ${user}`);
    default:
      return guestError(errno, `${describeCommand(command)} cannot be started`);
  }
}

function exitOf({ status, signal }: ProgramEnd): CommandExit {
  return signal === 0
    ? { exitCode: status & 0xff, signal: undefined }
    : { exitCode: undefined, signal: signalName(signal) };
}

function runPayload(
  command: Command,
  options: ProgramOptions,
  terminal: TerminalSize | undefined,
): Uint8Array {
  const { cwd = '', env = {}, user = '' } = options;
  const words = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const { cols, rows } = terminal ?? { cols: 0, rows: 0 };
  return new PayloadWriter()
    .u32(terminal === undefined ? 0 : RUN_FLAG.TERMINAL)
    .u32(cols)
    .u32(rows)
    .u32(WINDOW)
    .text(`${user}`)
    .text(cwd)
    .texts(words)
    .texts(variables).payload;
}

import { between, checkArgument, checkOptions, LISTENER, type OptionRules } from '../errors/arguments.ts';
import { ABORTABLE, LONGEST_MS, SOURCE } from './arguments.ts';
import { CommandError, type CommandExit, type CommandResult, OutputCollector } from './command-result.ts';
import type { AgentConnection } from './connection.ts';
import { IncomingBytes } from './incoming.ts';
import { sendAll } from './outgoing.ts';
import { CHANNEL, FRAME } from './protocol.ts';
import {
  COMMAND,
  type Command,
  describeCommand,
  PROGRAM_OPTIONS,
  type ProgramOptions,
  RunningCommand,
  runRequest,
} from './running-command.ts';
import type { SignalName } from './signals.ts';
import { waitFor } from './wait-for.ts';

/** How a command is started. */
export interface StartOptions extends ProgramOptions {
  /** Kills it, with its process group. A call that waits for it fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a command is run to its end. */
export interface RunOptions extends StartOptions {
  /** Its input, which has its end at once if it is left out. */
  readonly stdin?: string | Uint8Array | ReadableStream<Uint8Array>;
  /**
   * Milliseconds from its start after which it is asked to end (SIGTERM), 24 days at most; two seconds later it is
   * killed. A guest that boots meanwhile has its time for that: {@link signal} ends the wait for it.
   */
  readonly timeoutMs?: number;
  /**
   * Is given the output as it comes, read as UTF-8. Where it gives a promise, the next text waits for that, and so does
   * the command once 1 MiB waits.
   */
  readonly onStdout?: (text: string) => void;
  /** The same for its standard error. */
  readonly onStderr?: (text: string) => void;
  /** Bytes of both outputs together that are kept: 64 MiB unless it is given. A command that writes more is killed. */
  readonly maxOutputBytes?: number;
}

const START_OPTIONS: OptionRules<StartOptions> = { ...PROGRAM_OPTIONS, ...ABORTABLE };
const RUN_OPTIONS: OptionRules<RunOptions> = {
  ...START_OPTIONS,
  stdin: SOURCE,
  timeoutMs: between(0, LONGEST_MS),
  onStdout: LISTENER,
  onStderr: LISTENER,
  maxOutputBytes: between(0, Number.POSITIVE_INFINITY),
};

/** A command that runs. */
export interface Job {
  /** Its process in the guest, and its process group. */
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  /** The command waits while nobody reads. Once it is cancelled, who writes there gets SIGPIPE or EPIPE. */
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** How it has ended. @throws AgentError if the agent or the machine has ended before */
  readonly exited: Promise<CommandExit>;
  /** Sends a signal to its process group: SIGTERM unless it is given. */
  kill(signal?: SignalName | number): void;
}

/** Bytes of outputs that are kept unless the caller says otherwise. */
const KEPT_OUTPUT = 64 << 20;
/** Milliseconds from SIGTERM to SIGKILL, and from there until a command is given up. */
const GRACE_MS = 2000;

/** Runs programs in the guest. */
export class Commands {
  readonly #connection: AgentConnection;

  constructor(connection: AgentConnection) {
    this.#connection = connection;
  }

  /**
   * Runs a command to its end. Its processes in the background are not waited for.
   *
   * @throws AgentError if it cannot be started (`ENOENT`, `EACCES` and others), or the agent is gone (`disconnected`);
   * CommandError if it took too long (`timeout`) or wrote too much (`too-much-output`); InputError for arguments that
   * cannot be; the error of a listener, which kills the command; the reason of `signal`
   */
  async run(command: Command, options: RunOptions = {}): Promise<CommandResult> {
    checkArgument('command', command, COMMAND);
    checkOptions(options, RUN_OPTIONS);
    const { stdin = '', timeoutMs, signal, maxOutputBytes = KEPT_OUTPUT } = options;
    const request = runRequest(command, options);
    const output = new OutputCollector(options, maxOutputBytes);
    const end = new AbortController();
    const fail = (code: 'timeout' | 'too-much-output', what: string) =>
      new CommandError(code, `${describeCommand(command)} ${what}.`, output.texts());
    let running: RunningCommand | undefined;
    const killed = (reason: unknown) => {
      if (end.signal.aborted) return;
      if (running?.isOver === false) running.kill('SIGKILL');
      end.abort(reason);
    };
    const onAbort = () => killed(signal?.reason);
    const late = () => fail('timeout', `took more than ${timeoutMs} ms`);
    let deadline: Deadline | undefined;
    const release = this.#connection.hold();
    signal?.addEventListener('abort', onAbort);
    try {
      signal?.throwIfAborted();
      await this.#connection.ready(end.signal);
      end.signal.throwIfAborted();
      running = new RunningCommand(this.#connection, request, {
        data: (channel, bytes) => {
          if (end.signal.aborted) return;
          const { isKept, heard } = output.add(channel, bytes);
          const grant = () => running?.stream.grant(channel, bytes.length);
          if (heard === undefined) grant();
          // The listener is the caller's: the connection and other commands have no part in its error.
          else heard.then(grant, killed);
          if (!isKept) killed(fail('too-much-output', `wrote more than ${maxOutputBytes} bytes`));
        },
        end: () => undefined,
        failed: () => undefined,
      });
      deadline = new Deadline(timeoutMs, {
        ask: () => running?.kill('SIGTERM'),
        kill: () => running?.kill('SIGKILL'),
        giveUp: () => end.abort(late()),
      });
      // A command need not read all of its input. Errors of the caller's own stream are the caller's.
      const fed = sendAll(running.input, stdin).catch((error: unknown) => {
        if (running?.isOver === false && error !== running.input.failure) killed(error);
      });
      const exit = await waitFor(running.complete, end.signal);
      void fed;
      deadline.cancel();
      if (deadline.isOver) throw late();
      await waitFor(output.end(), end.signal);
      return { ...exit, ...output.texts() };
    } finally {
      deadline?.cancel();
      signal?.removeEventListener('abort', onAbort);
      running?.stream.cancel();
      release();
    }
  }

  /**
   * Starts a command.
   *
   * @throws AgentError if it cannot be started, or the agent is gone; InputError for arguments that cannot be; the
   * reason of `signal`
   */
  async start(command: Command, options: StartOptions = {}): Promise<Job> {
    checkArgument('command', command, COMMAND);
    checkOptions(options, START_OPTIONS);
    const { signal } = options;
    const request = runRequest(command, options);
    const release = this.#connection.hold();
    try {
      await this.#connection.ready(signal);
      const outputs = new Map<number, IncomingBytes>();
      const running: RunningCommand = new RunningCommand(this.#connection, request, {
        data: (channel, bytes) => outputs.get(channel)?.push(bytes),
        end: (channel) => outputs.get(channel)?.end(),
        failed: (error) => {
          for (const output of outputs.values()) output.fail(error);
        },
      });
      const [stdout, stderr] = [CHANNEL.OUT, CHANNEL.ERR].map((channel) => {
        const drop = () => running.stream.send(FRAME.DROP, undefined, channel);
        const output = new IncomingBytes(running.stream, channel, this.#connection.hold, drop);
        outputs.set(channel, output);
        return output;
      });
      const exited = this.#killedBy(signal, running);
      const pid = await waitFor(running.started, signal);
      const { hold } = this.#connection;
      return {
        pid,
        stdin: running.input.stream(),
        get stdout() {
          return stdout.stream;
        },
        get stderr() {
          return stderr.stream;
        },
        get exited() {
          const release = hold();
          return exited.finally(release);
        },
        kill: (by) => running.kill(by),
      };
    } finally {
      release();
    }
  }

  /** @returns how a command has ended, or the signal's reason if that has killed it */
  #killedBy(signal: AbortSignal | undefined, running: RunningCommand): Promise<CommandExit> {
    const exited = waitFor(running.exited, signal, () => running.kill('SIGKILL'));
    exited.catch(() => undefined);
    return exited;
  }
}

/** The steps against a command that takes too long, in their order. */
interface LateSteps {
  ask(): void;
  kill(): void;
  giveUp(): void;
}

/** The time that a command has. */
class Deadline {
  readonly #timers: readonly ReturnType<typeof setTimeout>[];
  #isOver = false;

  constructor(milliseconds: number | undefined, steps: LateSteps) {
    if (milliseconds === undefined) {
      this.#timers = [];
      return;
    }
    const ask = () => {
      this.#isOver = true;
      steps.ask();
    };
    const each = [ask, steps.kill, steps.giveUp];
    this.#timers = each.map((step, index) => setTimeout(step, milliseconds + index * GRACE_MS));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  cancel(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

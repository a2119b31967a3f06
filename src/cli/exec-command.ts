import { fstatSync } from 'node:fs';
import { AgentError } from '../agent/agent-error.ts';
import type { CommandExit } from '../agent/command-result.ts';
import { numberOf } from '../agent/signals.ts';
import type { PreparedMachine } from '../api/platform.ts';
import { Vm } from '../api/vm.ts';
import { InputError } from '../errors/input-error.ts';
import { MachineEndedError } from '../errors/machine-ended-error.ts';
import { nodePlatform } from '../node/api/node-platform.ts';
import type { NodeHost } from '../node/node-host.ts';
import { printable } from '../node/printable.ts';
import { signalStatus } from '../node/signals.ts';
import { passInput, passOutput } from './exec-streams.ts';
import { EXEC_STATUS } from './exit-status.ts';
import { loadRun, type ReadRun, type RunCommandOptions, readRun } from './run-command.ts';
import { mayExecuteWarm, WarmStart } from './warm-start.ts';

/** Options of `hartvisor exec` as the parser gives them: those of `run`, and how the command is started. */
export interface ExecCommandOptions extends RunCommandOptions {
  readonly tty?: true | undefined;
  readonly cwd?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly cold?: true | undefined;
}

/** Milliseconds that a guest has to start its agent, unless `--timeout` says how long all may take. */
const PATIENCE_MS = 180_000;
/** The same for data that the guest has not written to its disks. */
const SYNC_MS = 10_000;
/** Lines of the console that are shown where the guest does not come up. */
const SHOWN_LINES = 15;
/** Signals that are passed on to the command. */
const PASSED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
type PassedSignal = (typeof PASSED)[number];
/** So many of them end everything at once. */
const SIGNALS_TO_LEAVE = 3;

/**
 * `hartvisor exec`: runs a command in a guest that is started for it.
 *
 * @param typed names of the options that were given
 * @returns the exit status: the command's
 */
export async function execCommand(
  words: readonly string[],
  options: ExecCommandOptions,
  host: NodeHost,
  typed: readonly string[] = [],
): Promise<number> {
  const env = readVariables(options.env ?? []);
  refuseFolder();
  const read = await readRun(withQuiet(options), host, true);
  const { config, begun } = await guestFor(read, options, host, typed);
  const vm = await Vm.start(nodePlatform, { config, host, forwards: [], close: () => undefined });
  const run = new Execution(vm, read.shape.timeout, () => begun(vm));
  try {
    const status = await run.status(words, { ...options, env });
    if ((read.attached.drives ?? []).some(({ readOnly }) => !readOnly)) await sync(vm);
    return status;
  } finally {
    run.close();
    vm.machine.stop();
  }
}

/** A machine for a command. */
interface CommandGuest {
  readonly config: PreparedMachine['config'];
  /** To be called when the guest is there. @returns a function that waits for work that goes on beside the command */
  begun(vm: Vm): Promise<() => Promise<void>>;
}

/** Where the guest is the one that hartvisor brings, it goes on from an image of its boot, or that is made. */
async function guestFor(
  read: ReadRun,
  options: ExecCommandOptions,
  host: NodeHost,
  typed: readonly string[],
): Promise<CommandGuest> {
  const warm = mayExecuteWarm(typed) ? await WarmStart.find(read.choice, read.shape) : undefined;
  const { engine, pcpus } = read.shape;
  const image = await warm?.open(pcpus);
  const nothing = () => Promise.resolve();
  if (image !== undefined) {
    const config = {
      kind: 'restored',
      saved: image.saved,
      engine,
      debug: options.debug === true,
    } as const;
    return { config, begun: () => Promise.resolve(nothing) };
  }
  const { config, name } = await loadRun(options, host, read);
  return {
    config,
    begun: (vm) => warm?.keep(vm.machine, name) ?? Promise.resolve(nothing),
  };
}

/** Node gives the stream of one as empty. @throws InputError where standard input is a folder */
function refuseFolder(): void {
  if (fstatSync(process.stdin.fd).isDirectory())
    throw new InputError(
      'Standard input is a folder, of which no command can read. Give a file, or < /dev/null.',
    );
}

type ExecOptions = Pick<ExecCommandOptions, 'tty' | 'cwd' | 'user'> & {
  readonly env: Readonly<Record<string, string>>;
};

/** A command as it runs, with the signals and the time that it has. */
class Execution {
  readonly #vm: Vm;
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Brings everything to its end with a status. */
  readonly #left = Promise.withResolvers<number>();
  readonly #listeners = new Map<PassedSignal, () => void>();
  readonly #stoppers: (() => void)[] = [];
  #kill: ((signal: PassedSignal | 'SIGPIPE') => void) | undefined;
  readonly #begun: () => Promise<() => Promise<void>>;
  #isUp = false;
  #signals = 0;

  /** @param begun is called before the command is started, and gives the work that its status waits for */
  constructor(vm: Vm, timeout: number | undefined, begun: () => Promise<() => Promise<void>>) {
    this.#vm = vm;
    this.#begun = begun;
    for (const signal of PASSED) {
      const listener = () => this.#hear(signal);
      this.#listeners.set(signal, listener);
      process.on(signal, listener);
    }
    this.#timer = setTimeout(() => this.#late(timeout), timeout === undefined ? PATIENCE_MS : timeout * 1000);
    void vm.machine.ended.then(() => {
      if (!this.#isUp)
        this.#leave(EXEC_STATUS.own, `The guest ended before it had started its agent.${this.#lastLines()}`);
    });
  }

  async status(words: readonly string[], options: ExecOptions): Promise<number> {
    return Promise.race([this.#left.promise, this.#run(words, options)]);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    for (const stop of this.#stoppers) stop();
  }

  async #run(words: readonly string[], options: ExecOptions): Promise<number> {
    try {
      await this.#vm.agent.connection.ready();
      this.#isUp = true;
      const done = await this.#begun();
      const status = await (options.tty === true
        ? this.#atTerminal(words, options)
        : this.#withPipes(words, options));
      await done();
      return status;
    } catch (error) {
      return this.#failed(error);
    }
  }

  async #withPipes(words: readonly string[], { cwd, user, env }: ExecOptions): Promise<number> {
    const job = await this.#vm.commands.start(words, programOptions(cwd, user, env));
    this.#kill = (signal) => job.kill(signal);
    this.#stoppers.push(passInput(process.stdin, job.stdin, this.#unreadable));
    const outputs = [passOutput(job.stdout, process.stdout), passOutput(job.stderr, process.stderr)];
    const [exit, ...areRead] = await Promise.all([
      job.exited.finally(() => {
        // Its processes in the background, of which output is awaited, may ignore what is sent to its group.
        this.#kill = undefined;
      }),
      ...outputs.map((output) => this.#read(output)),
    ]);
    return areRead[0] === false ? signalStatus('SIGPIPE') : statusOf(exit);
  }

  async #atTerminal(words: readonly string[], { cwd, user, env }: ExecOptions): Promise<number> {
    const { stdin, stdout } = process;
    const size = () => ({ cols: stdout.columns ?? 80, rows: stdout.rows ?? 24 });
    const term = process.env.TERM === undefined ? {} : { TERM: process.env.TERM };
    const options = { ...programOptions(cwd, user, { ...term, ...env }), ...size(), command: words };
    const terminal = await this.#vm.terminal(options);
    this.#kill = (signal) => terminal.kill(signal);
    const resize = () => terminal.resize(size());
    stdout.on('resize', resize);
    if (stdin.isTTY) stdin.setRawMode(true);
    const stop = passInput(stdin, terminal.input, this.#unreadable);
    this.#stoppers.push(() => {
      stop();
      stdout.off('resize', resize);
      if (stdin.isTTY) stdin.setRawMode(false);
    });
    const [exit] = await Promise.all([terminal.exited, this.#read(passOutput(terminal.output, stdout))]);
    return statusOf(exit);
  }

  /** A command whose output nobody reads any more hears of it as it would in a pipe. */
  async #read(output: Promise<boolean>): Promise<boolean> {
    const isRead = await output;
    if (!isRead) this.#kill?.('SIGPIPE');
    return isRead;
  }

  #failed(error: unknown): number {
    const name = error instanceof MachineEndedError ? 'The guest ended before the command did.' : undefined;
    if (name === undefined && !(error instanceof AgentError)) throw error;
    this.#say(name ?? (error as AgentError).message);
    if (!(error instanceof AgentError) || error.code === 'disconnected' || error.code === 'protocol')
      return EXEC_STATUS.own;
    return error.code === 'ENOENT' ? EXEC_STATUS.notFound : EXEC_STATUS.notStarted;
  }

  #hear(signal: PassedSignal): void {
    this.#signals++;
    if (this.#kill !== undefined && this.#signals < SIGNALS_TO_LEAVE) this.#kill(signal);
    else this.#leave(signalStatus(signal), undefined);
  }

  #late(timeout: number | undefined): void {
    if (timeout !== undefined) {
      this.#leave(EXEC_STATUS.timeout, `The command had not ended after ${timeout} s (--timeout).`);
    } else if (!this.#isUp) {
      const seconds = PATIENCE_MS / 1000;
      this.#leave(
        EXEC_STATUS.own,
        `The guest has not started its agent within ${seconds} s. Does it have one? docs/agent.md says how it gets it.` +
          this.#lastLines(),
      );
    }
  }

  readonly #unreadable = (error: Error): void => {
    const message = `The command did not get all of its input, which cannot be read: ${error.message}.`;
    this.#leave(EXEC_STATUS.own, message);
  };

  #leave(status: number, message: string | undefined): void {
    if (message !== undefined) this.#say(message);
    this.#left.resolve(status);
  }

  #lastLines(): string {
    const lines = this.#vm.console.text.trimEnd().split(/\r?\n/).slice(-SHOWN_LINES);
    return lines.join('') === '' ? '' : ` Its console showed last:\n${lines.map(printable).join('\n')}`;
  }

  #say(text: string): void {
    process.stderr.write(`hartvisor: ${text}\n`);
  }
}

function statusOf({ exitCode, signal }: CommandExit): number {
  return exitCode ?? 128 + numberOf(signal ?? 'SIGKILL');
}

function programOptions(cwd: string | undefined, user: string | undefined, env: ExecOptions['env']) {
  return { env, ...(cwd === undefined ? {} : { cwd }), ...(user === undefined ? {} : { user }) };
}

/** Variables as `NAME=VALUE`, or `NAME` for that of hartvisor itself. */
function readVariables(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      const name = at < 0 ? word : word.slice(0, at);
      const value = at < 0 ? process.env[name] : word.slice(at + 1);
      if (name === '' || value === undefined)
        throw new InputError(`--env ${word}: give NAME=VALUE, or the name of a variable that hartvisor has.`);
      return [name, value];
    }),
  );
}

/** The kernel has nothing to say that anybody reads. */
function withQuiet(options: ExecCommandOptions): ExecCommandOptions {
  if (options.appendOnly === true) return options;
  return { ...options, append: `quiet ${options.append ?? ''}`.trim() };
}

/** Has the guest write its data to its disks: it is not shut down. */
async function sync(vm: Vm): Promise<void> {
  await vm.commands.run(['sync'], { timeoutMs: SYNC_MS }).catch(() => undefined);
}

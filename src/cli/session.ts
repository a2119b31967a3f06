import { setTimeout as delay } from 'node:timers/promises';
import type { GuestSockets, VsockBackend } from '../devices/backends.ts';
import { InputError } from '../errors/input-error.ts';
import type { MachineConfig } from '../machine/config.ts';
import { Machine } from '../machine/machine.ts';
import type { MachineCallbacks, MachineHost } from '../machine/machine-host.ts';
import type { RestoreConfig } from '../machine/snapshot/draft.ts';
import { consoleStreams } from '../node/console-streams.ts';
import type { GdbServer } from '../node/gdb/gdb-server.ts';
import { StreamPort } from '../node/serial/stream-port.ts';
import { onEndingSignal, signalStatus } from '../node/signals.ts';
import { Terminal, type TerminalStreams } from '../node/terminal.ts';
import { EXIT_STATUS } from './exit-status.ts';
import type { GdbOptions } from './gdb-option.ts';
import { type Outcome, outcomeOf, panicOutcome, signalOutcome, timeoutOutcome } from './outcome.ts';
import { PanicWatch } from './panic-watch.ts';
import { PromptWatch } from './prompt-watch.ts';
import type { MachineSaver } from './save-option.ts';
import { networkTable, regionTable, statisticsTable } from './statistics.ts';
import { describeTrace, traceTable } from './trace-report.ts';
import type { WarmGuest } from './warm-guest.ts';

/** A machine to be run: a new one, or one that was saved. */
export type SessionConfig = MachineConfig | RestoreConfig;

/** How a machine is run for a person. */
export interface SessionOptions {
  /** Seconds after which the machine is stopped. */
  readonly timeout: number | undefined;
  /** Print the vCPUs' counters at the end. */
  readonly statistics: boolean;
  /** The file of the trace, for the message about it. */
  readonly trace?: string;
  /** Tells how often an order of accesses was forced, for the end. */
  readonly timesForced?: () => number;
  /** A line about the machine that is started, for a person at a terminal. */
  readonly banner: string;
  /** Saves the machine when the person wants that. */
  readonly saver?: MachineSaver;
  /** The agent of the guest that hartvisor brings, where an image of its boot is used or made. */
  readonly warm?: WarmGuest;
  /** Text to type when the machine has begun. */
  readonly typedFirst?: string;
  /** Where the console is, if it is not on the process's own terminal or pipes. */
  readonly serial?: Pick<TerminalStreams, 'input' | 'output'>;
  /** Where lines to the guest beside its console lead: the last ports of its virtio console. */
  readonly lines?: readonly Pick<TerminalStreams, 'input' | 'output'>[];
  /** Where a debugger can connect. */
  readonly gdb?: GdbOptions;
  /** Programs of the host that the guest's sockets lead to. */
  readonly vsock?: VsockBackend & { attach(sockets: GuestSockets): void; close(): void };
  /** Is called when the session hears signals that ask the process to end. */
  readonly onListening?: () => void;
}

/**
 * Milliseconds after which a machine that was interrupted is no longer waited for: its threads, the reader of its
 * output, and that of messages. All count from the interruption: a person who sends SIGTERM or types Ctrl-A x has an
 * answer within a second, also when nobody reads and the process is busy.
 */
const deadlines = { threads: 300, output: 450, messages: 500 } as const;
/** The same for messages about a machine that ended by itself, from then on. */
const messagePatience = 200;
/** How long a kernel whose last line told of a panic has to be silent. */
const panicMilliseconds = 2000;

/**
 * Runs a machine with the process's terminal or pipes as its serial console, until it ends.
 *
 * @returns the exit status for the process
 * @throws InputError when the guest does not fit into its memory, or the system has too little
 */
export async function runSession(
  config: SessionConfig,
  host: MachineHost,
  options: SessionOptions,
): Promise<number> {
  return new Session(config, host, options).run();
}

/**
 * The device tree that a machine would give to its guest.
 *
 * @throws InputError as {@link runSession}
 */
export function deviceTreeOf(config: MachineConfig, host: MachineHost): Uint8Array {
  return createMachine(config, host, { console: { output: () => undefined } }).deviceTree;
}

class Session {
  readonly #options: SessionOptions;
  readonly #kind: MachineConfig['kind'];
  readonly #terminal: Terminal;
  readonly #machine: Machine;
  readonly #panic = new PanicWatch();
  readonly #interruption = Promise.withResolvers<Outcome>();
  /** When it happened, as `performance.now` has it. */
  #interrupted: number | undefined;
  readonly #prompt: PromptWatch | undefined;
  #gdb: GdbServer | undefined;
  #panicTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(config: SessionConfig, host: MachineHost, options: SessionOptions) {
    this.#options = options;
    const { onPrompt } = options.warm ?? {};
    if (onPrompt !== undefined) this.#prompt = new PromptWatch(() => onPrompt(this.#machine));
    const console = {
      output: (bytes: Uint8Array) => this.#output(bytes),
      inputSpace: () => this.#terminal.continueInput(),
    };
    // Output from before a driver for the virtio console is up comes by the serial port.
    const { vsock } = options;
    const lines = (options.lines ?? []).map((streams) => new StreamPort(streams));
    const facts = config.kind === 'restored' ? config.saved.plan : config;
    const agent = options.warm === undefined ? [] : [options.warm.agent];
    const isVirtio = (facts.ports ?? []).length > lines.length + agent.length;
    const ports = [...(isVirtio ? [console] : []), ...lines, ...agent];
    const callbacks = {
      ...{ console, ports, onNotice: (text: string) => this.#say(text) },
      ...(vsock === undefined ? {} : { vsock }),
    };
    const mayDetach = config.kind === 'restored' ? config : { ...config, detachFiles: true };
    this.#machine = createMachine(mayDetach, host, callbacks);
    this.#kind = this.#machine.plan.kind;
    const { sockets } = this.#machine;
    if (sockets !== undefined) vsock?.attach(sockets);
    const guestPorts = [...this.#machine.ports];
    const port = isVirtio ? guestPorts.shift() : undefined;
    for (const [index, line] of [...lines, ...agent].entries()) line.attach(guestPorts[index]);
    this.#terminal = new Terminal(
      { ...consoleStreams(), ...options.serial },
      {
        onInput: (bytes) => {
          this.#prompt?.type(bytes);
          return (port ?? this.#machine).input(bytes);
        },
        onResize: (columns, rows) => port?.resize(columns, rows),
        onQuit: () => this.#interrupt(this.#quitOutcome()),
        onSave: (quits) => void this.#save(quits),
        onOutputClosed: () => this.#interrupt({ status: signalStatus('SIGPIPE') }),
      },
    );
  }

  async run(): Promise<number> {
    const stopListening = onEndingSignal((signal) => this.#interrupt(signalOutcome(signal)));
    this.#options.onListening?.();
    const stopSaving = this.#options.saver?.onSignal(() => void this.#save(false));
    const timer = this.#startTimeout();
    try {
      this.#terminal.open();
      if (this.#terminal.interactive) {
        this.#say(`${this.#options.banner} Ctrl-A x quits, Ctrl-A h helps.`);
      }
      await this.#start();
      const { typedFirst } = this.#options;
      if (typedFirst !== undefined) this.#machine.input(new TextEncoder().encode(typedFirst));
      const outcome = await this.#end();
      await this.#report(outcome);
      return outcome.status;
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#panicTimer);
      await this.#gdb?.close();
      this.#terminal.close();
      this.#options.vsock?.close();
      stopListening();
      stopSaving?.();
    }
  }

  /** With a debugger that is to come first, the machine stands before its first instruction. */
  async #start(): Promise<void> {
    const { gdb } = this.#options;
    if (gdb === undefined) {
      this.#machine.start();
      return;
    }
    const [target, { GdbServer }] = await Promise.all([
      this.#machine.debug(),
      import('../node/gdb/gdb-server.ts'),
    ]);
    this.#gdb = await GdbServer.open(gdb.place, `--gdb ${gdb.word}`, target, (text) => this.#say(text));
    const waits = gdb.stopped ? ' It waits for that.' : '';
    this.#say(`To debug the machine, type in gdb: ${this.#gdb.connectWords}${waits}`);
    this.#machine.start();
    if (gdb.stopped) void this.#machine.pause();
  }

  async #save(quits: boolean): Promise<void> {
    const { saver } = this.#options;
    if (saver === undefined) {
      this.#say('Nobody has said where to: start with --save FILE.');
      return;
    }
    const { text, saved } = await saver.save(this.#machine, quits);
    this.#say(text);
    if (saved && quits) this.#interrupt({ status: EXIT_STATUS.success });
  }

  /** Waits for the end, by any side. */
  async #end(): Promise<Outcome> {
    const { ended } = this.#machine;
    const own = ended.then((end) => outcomeOf(end, this.#outcomeContext()));
    const interruption = this.#interruption.promise;
    const outcome = await Promise.race([own, interruption]);
    if (this.#interrupted === undefined) {
      // A reader that is slow, such as a pager, still gets everything.
      await Promise.race([this.#terminal.flush(), interruption]);
      return outcome;
    }
    this.#machine.stop();
    await this.#within('threads', ended);
    await this.#within('output', this.#terminal.flush());
    return outcome;
  }

  /** The first one counts. */
  #interrupt(outcome: Outcome): void {
    if (this.#interrupted !== undefined) return;
    this.#interrupted = performance.now();
    // Input without end would keep the process from its end.
    this.#terminal.stopInput();
    this.#interruption.resolve(outcome);
  }

  /** Waits for a part of the end of a machine, until its deadline. */
  async #within(part: keyof typeof deadlines, done: Promise<unknown>): Promise<void> {
    const left =
      this.#interrupted === undefined
        ? messagePatience
        : this.#interrupted + deadlines[part] - performance.now();
    await Promise.race([done, delay(Math.max(left, 0))]);
  }

  async #report({ message }: Outcome): Promise<void> {
    this.#terminal.close();
    if (this.#options.statistics) this.#printStatistics();
    this.#reportTrace();
    const forced = this.#options.timesForced?.();
    if (forced !== undefined)
      this.#say(`The schedule was forced ${forced} ${forced === 1 ? 'time' : 'times'}.`);
    if (message !== undefined) this.#say(message);
    await this.#within('messages', this.#terminal.flushMessages());
  }

  #reportTrace(): void {
    const { trace } = this.#options;
    const { traceReport } = this.#machine;
    if (trace === undefined || traceReport === undefined) return;
    for (const text of describeTrace(trace, traceReport)) this.#say(text);
    if (this.#options.statistics) this.#terminal.notice(traceTable(traceReport));
  }

  #printStatistics(): void {
    // Bare harts have no counters of vCPUs.
    const vcpus = this.#kind === 'bare' ? [] : this.#machine.stats();
    if (vcpus.length > 0) this.#terminal.notice(statisticsTable(vcpus));
    const { network } = this.#machine;
    if (network !== undefined) this.#terminal.notice(networkTable(network.counts()));
    const regions = this.#machine.regionStats();
    if (regions.length > 0)
      this.#terminal.notice(regionTable(regions, this.#kind === 'bare' ? 'hart' : 'pCPU'));
  }

  #startTimeout(): ReturnType<typeof setTimeout> | undefined {
    const { timeout } = this.#options;
    if (timeout === undefined) return undefined;
    return setTimeout(() => this.#interrupt(timeoutOutcome(timeout)), timeout * 1000);
  }

  #output(bytes: Uint8Array): Promise<void> | undefined {
    this.#prompt?.see(bytes);
    this.#panic.see(bytes);
    clearTimeout(this.#panicTimer);
    if (this.#panic.halted) {
      this.#panicTimer = setTimeout(
        () => this.#interrupt(panicOutcome(this.#panic.reason ?? 'it did not say why')),
        panicMilliseconds,
      );
    }
    return this.#terminal.write(bytes);
  }

  #outcomeContext() {
    return { panicReason: this.#panic.reason, kind: this.#kind };
  }

  #quitOutcome(): Outcome {
    return this.#panic.halted ? panicOutcome(this.#panic.reason ?? '') : { status: EXIT_STATUS.success };
  }

  #say(text: string): void {
    this.#terminal.notice(`hartvisor: ${text}`);
  }
}

function createMachine(config: SessionConfig, host: MachineHost, callbacks: MachineCallbacks): Machine {
  try {
    return new Machine(config, host, callbacks);
  } catch (error) {
    // V8 says this when the system does not give it the room in its address space.
    if (error instanceof RangeError && error.message.includes('WebAssembly.Memory')) {
      const bytes = config.kind === 'restored' ? config.saved.plan.ram.size : config.memoryBytes;
      throw new InputError(
        `The system has no room for a guest with ${bytes / 2 ** 20} MiB of memory. Give less with --memory.`,
      );
    }
    throw error;
  }
}

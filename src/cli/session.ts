import { setTimeout as delay } from 'node:timers/promises';
import { InputError } from '../errors/input-error.ts';
import { Machine, type MachineCallbacks, type MachineConfig, type MachineHost } from '../machine/machine.ts';
import { consoleStreams } from '../node/console-streams.ts';
import { onEndingSignal, signalStatus } from '../node/signals.ts';
import { Terminal } from '../node/terminal.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { type Outcome, outcomeOf, panicOutcome, signalOutcome, timeoutOutcome } from './outcome.ts';
import { PanicWatch } from './panic-watch.ts';
import { regionTable, statisticsTable } from './statistics.ts';

/** How a machine is run for a person. */
export interface SessionOptions {
  /** Seconds after which the machine is stopped. */
  readonly timeout: number | undefined;
  /** Print the vCPUs' counters at the end. */
  readonly statistics: boolean;
  /** Say how often the forced order of accesses happened. */
  readonly forced?: boolean;
  /** Whether a failure code of the guest becomes the exit status. */
  readonly passGuestCode: boolean;
  /** A line about what is started, for a person at a terminal. */
  readonly banner: string;
}

/**
 * How long the threads of a machine that was interrupted may take, then the reader of its output, and at the end that of
 * messages: whoever sends SIGTERM or types Ctrl-A x has an answer within a second, also when nobody reads.
 */
const patience = { threads: 400, output: 300, messages: 200 } as const;
/** How long a kernel whose last line told of a panic has to be silent. */
const panicMilliseconds = 2000;

/**
 * Runs a machine with the process's terminal or pipes as its serial console, until it ends.
 *
 * @returns the exit status for the process
 * @throws InputError when the guest does not fit into its memory, or the system has too little
 */
export async function runSession(
  config: MachineConfig,
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
  return createMachine(config, host, { onOutput: () => undefined }).deviceTree;
}

class Session {
  readonly #options: SessionOptions;
  readonly #terminal: Terminal;
  readonly #machine: Machine;
  readonly #panic = new PanicWatch();
  readonly #interruption = Promise.withResolvers<Outcome>();
  #panicTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(config: MachineConfig, host: MachineHost, options: SessionOptions) {
    this.#options = options;
    this.#machine = createMachine({ ...config, detachFiles: true }, host, {
      onOutput: (bytes) => this.#output(bytes),
      onInputSpace: () => this.#terminal.continueInput(),
      onNotice: (text) => this.#say(text),
    });
    this.#terminal = new Terminal(consoleStreams(), {
      onInput: (bytes) => this.#machine.input(bytes),
      onQuit: () => this.#interruption.resolve(this.#quitOutcome()),
      onOutputClosed: () => this.#interruption.resolve({ status: signalStatus('SIGPIPE') }),
    });
  }

  async run(): Promise<number> {
    const stopListening = onEndingSignal((signal) => this.#interruption.resolve(signalOutcome(signal)));
    const timer = this.#startTimeout();
    try {
      this.#terminal.open();
      if (this.#terminal.interactive) {
        this.#say(`${this.#options.banner} Ctrl-A x quits, Ctrl-A h helps.`);
      }
      this.#machine.start();
      const outcome = await this.#end();
      await this.#report(outcome);
      return outcome.status;
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#panicTimer);
      this.#terminal.close();
      stopListening();
    }
  }

  /** Waits for the end, whoever brings it about. */
  async #end(): Promise<Outcome> {
    const { ended } = this.#machine;
    const own = ended.then((end) => outcomeOf(end, this.#outcomeContext()));
    let interrupted = false;
    const interruption = this.#interruption.promise.then((outcome) => {
      interrupted = true;
      return outcome;
    });
    const outcome = await Promise.race([own, interruption]);
    if (!interrupted) {
      // A reader that is slow, such as a pager, still gets everything.
      await Promise.race([this.#terminal.flush(), interruption]);
      return outcome;
    }
    this.#machine.stop();
    await Promise.race([ended, delay(patience.threads)]);
    await Promise.race([this.#terminal.flush(), delay(patience.output)]);
    return outcome;
  }

  async #report({ message }: Outcome): Promise<void> {
    this.#terminal.close();
    if (this.#options.statistics) this.#printStatistics();
    const forced = this.#options.forced ? this.#machine.timesForced() : undefined;
    if (forced !== undefined)
      this.#say(`The schedule was forced ${forced} ${forced === 1 ? 'time' : 'times'}.`);
    if (message !== undefined) this.#say(message);
    await Promise.race([this.#terminal.flushMessages(), delay(patience.messages)]);
  }

  #printStatistics(): void {
    const { passGuestCode } = this.#options;
    // Bare harts have no counters of vCPUs.
    const vcpus = passGuestCode ? [] : this.#machine.stats();
    if (vcpus.length > 0) this.#terminal.notice(statisticsTable(vcpus));
    const regions = this.#machine.regionStats();
    if (regions.length > 0) this.#terminal.notice(regionTable(regions, passGuestCode ? 'hart' : 'pCPU'));
  }

  #startTimeout(): ReturnType<typeof setTimeout> | undefined {
    const { timeout } = this.#options;
    if (timeout === undefined) return undefined;
    return setTimeout(() => this.#interruption.resolve(timeoutOutcome(timeout)), timeout * 1000);
  }

  #output(bytes: Uint8Array): Promise<void> | undefined {
    this.#panic.see(bytes);
    clearTimeout(this.#panicTimer);
    if (this.#panic.halted) {
      this.#panicTimer = setTimeout(
        () => this.#interruption.resolve(panicOutcome(this.#panic.reason ?? 'it did not say why')),
        panicMilliseconds,
      );
    }
    return this.#terminal.write(bytes);
  }

  #outcomeContext() {
    return { panicReason: this.#panic.reason, passGuestCode: this.#options.passGuestCode };
  }

  #quitOutcome(): Outcome {
    return this.#panic.halted ? panicOutcome(this.#panic.reason ?? '') : { status: EXIT_STATUS.success };
  }

  #say(text: string): void {
    this.#terminal.notice(`hartvisor: ${text}`);
  }
}

function createMachine(config: MachineConfig, host: MachineHost, callbacks: MachineCallbacks): Machine {
  try {
    return new Machine(config, host, callbacks);
  } catch (error) {
    // V8 says this when the system does not give it the room in its address space.
    if (error instanceof RangeError && error.message.includes('WebAssembly.Memory')) {
      throw new InputError(
        `The system has no room for a guest with ${config.memoryBytes / 2 ** 20} MiB of memory. Give less with --memory.`,
      );
    }
    throw error;
  }
}

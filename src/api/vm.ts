import { GuestAgent } from '../agent/agent.ts';
import type { Commands } from '../agent/commands.ts';
import type { Files } from '../agent/files/files.ts';
import { AGENT_PORT } from '../agent/protocol.ts';
import type { GuestTerminal, TerminalOptions } from '../agent/terminal.ts';
import { MachineEndedError } from '../errors/machine-ended-error.ts';
import type { VcpuStats } from '../machine/kind.ts';
import { Machine, type MachineEnd } from '../machine/machine.ts';
import type { BootOptions, ForwardedPort, Limits } from './boot-options.ts';
import type { Platform, PreparedMachine } from './platform.ts';
import { VmConsole } from './vm-console.ts';

/** How a machine of the API ended. */
export type VmEnd =
  | MachineEnd
  /** It has had the time that `limits.seconds` gives it. */
  | { readonly reason: 'limit'; readonly limit: 'seconds'; readonly message: string };

/**
 * A running machine, made by `boot`. A program that holds one and waits for nothing of it can come to its end: the
 * machine ends with it.
 */
export class Vm implements AsyncDisposable {
  /** The serial console. */
  readonly console: VmConsole;
  /** Runs programs in the guest, if it has the agent, as the guest `busybox` does. */
  readonly commands: Commands;
  /** Files of the guest, by the same agent. */
  readonly files: Files;
  /** The agent itself. */
  readonly agent: GuestAgent;
  /** The machine below, for what this class has no words for. */
  readonly machine: Machine;
  /** Ports of the host that lead to the guest. */
  readonly forwards: readonly ForwardedPort[];
  readonly #platform: Platform;
  readonly #ended: Promise<VmEnd>;
  #overtime: VmEnd | undefined;
  #hasEnded = false;

  /**
   * Starts a machine.
   *
   * @internal
   * @throws InputError when its guest does not fit into its memory
   */
  static start(platform: Platform, prepared: PreparedMachine, options: BootOptions = {}): Vm {
    return new Vm(platform, prepared, options);
  }

  private constructor(platform: Platform, prepared: PreparedMachine, options: BootOptions) {
    const { signal, limits = {}, onNotice } = options;
    this.console = new VmConsole(() => platform.hold());
    const agent = new GuestAgent(() => platform.hold());
    this.agent = agent;
    this.commands = agent.commands;
    this.files = agent.files;
    this.#platform = platform;
    this.forwards = prepared.forwards;
    this.machine = new Machine(prepared.config, prepared.host, {
      console: this.console.backend(),
      ports: (prepared.config.ports ?? []).map(({ name }) =>
        name === AGENT_PORT ? agent.connection : { output: () => undefined },
      ),
      ...(onNotice === undefined ? {} : { onNotice }),
    });
    this.console.attach(this.machine);
    const port = this.machine.ports.find(({ name }) => name === AGENT_PORT);
    if (port !== undefined) agent.connection.attach(port);
    const stop = () => this.machine.stop();
    signal?.addEventListener('abort', stop);
    const cancelTimer = this.#startTimer(limits);
    this.#ended = this.machine.ended.then((end) => {
      this.#hasEnded = true;
      signal?.removeEventListener('abort', stop);
      cancelTimer();
      this.console.end();
      agent.connection.close(new MachineEndedError('The machine has ended.'));
      prepared.close();
      return end.reason === 'stopped' ? (this.#overtime ?? end) : end;
    });
    this.machine.start();
  }

  /** How the machine ended. The program does not come to its end while this is waited for, and the machine runs. */
  get ended(): Promise<VmEnd> {
    return this.#held(() => this.#ended);
  }

  /** Opens a terminal of the guest, with a shell. @throws AgentError if it cannot be had; the reason of its signal */
  terminal(options: TerminalOptions = {}): Promise<GuestTerminal> {
    return this.agent.terminal(options);
  }

  /** The counters of each vCPU so far. */
  stats(): readonly VcpuStats[] {
    return this.machine.stats();
  }

  /**
   * Stops the machine where it is: no vCPU runs and no device changes until {@link resume}. Guest time stands still.
   *
   * @throws MachineEndedError
   */
  async pause(): Promise<void> {
    await this.#held(() => this.machine.pause());
    if (this.#hasEnded) throw new MachineEndedError('The machine has ended, so that it cannot be paused.');
  }

  /** Goes on after {@link pause}. */
  resume(): void {
    this.machine.resume();
  }

  /** Ends the machine at once, as if its power were cut, unless it has ended. Fulfilled when it has. */
  async stop(): Promise<VmEnd> {
    this.machine.stop();
    return this.ended;
  }

  /** The same as {@link stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #startTimer({ seconds }: Limits): () => void {
    if (seconds === undefined) return () => undefined;
    return this.#platform.after(seconds * 1000, () => {
      const message = `The machine has run for ${seconds} seconds, which is its limit.`;
      this.#overtime = { reason: 'limit', limit: 'seconds', message };
      this.machine.stop();
    });
  }

  /** Keeps the program running meanwhile. */
  async #held<T>(work: () => Promise<T>): Promise<T> {
    const release = this.#platform.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }
}

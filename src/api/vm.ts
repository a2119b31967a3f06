import { GuestAgent } from '../agent/agent.ts';
import { PORT } from '../agent/arguments.ts';
import type { Commands } from '../agent/commands.ts';
import type { Files } from '../agent/files/files.ts';
import { fetchOver } from '../agent/http/fetch.ts';
import { AGENT_PORT } from '../agent/protocol.ts';
import type { GuestTerminal, TerminalOptions } from '../agent/terminal.ts';
import type { DebugTarget } from '../debug/target.ts';
import type { PortFacts } from '../devices/descriptor.ts';
import { checkArgument, checkOptions, type Rule, TEXT } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';
import { MachineEndedError } from '../errors/machine-ended-error.ts';
import type { VcpuStats } from '../machine/kind.ts';
import { FOLLOW_OPTIONS, type FollowOptions, Machine } from '../machine/machine.ts';
import type { MachineEnd } from '../machine/machine-end.ts';
import type { LiveInterrupt } from '../trace/live.ts';
import type { Moments } from '../trace/moments.ts';
import type { BootOptions, ForwardedPort, Limits } from './boot-options.ts';
import { checkRestoreOptions } from './known-options.ts';
import type { Platform, PreparedMachine } from './platform.ts';
import { checkRestoreShape } from './shape.ts';
import { VmConsole } from './vm-console.ts';
import { PieceSink, type RestoreOptions, VmImage } from './vm-image.ts';
import { VmPorts } from './vm-ports.ts';

/** Also one of another realm. */
const REQUEST: Rule = {
  wanted: 'a Request: new Request("http://guest/path")',
  fits: (value) =>
    typeof value === 'object' && value !== null && 'url' in value && 'method' in value && 'headers' in value,
};

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
  /** Servers of the guest on the host, by the same agent. */
  readonly ports: VmPorts;
  /** The agent itself. */
  readonly agent: GuestAgent;
  /** The machine below, for everything else. */
  readonly machine: Machine;
  /** Ports of the host that lead to the guest. */
  readonly forwards: readonly ForwardedPort[];
  readonly #platform: Platform;
  readonly #options: BootOptions;
  readonly #notes: NonNullable<PreparedMachine['notes']>;
  readonly #ended: Promise<VmEnd>;
  #overtime: VmEnd | undefined;
  #hasEnded = false;
  /** Gives up the things that could end the machine from outside. */
  #release: () => void = () => undefined;

  /**
   * Puts a machine together, and starts it. Its parts are closed at its end, and also where it has no beginning.
   *
   * @internal
   * @throws InputError when its guest does not fit into its memory; the reason of `options.signal`
   */
  static async start(platform: Platform, prepared: PreparedMachine, options: BootOptions = {}): Promise<Vm> {
    try {
      await platform.breathe();
      options.signal?.throwIfAborted();
      const vm = new Vm(platform, prepared, options);
      await platform.breathe();
      options.signal?.throwIfAborted();
      vm.#begin(options);
      return vm;
    } catch (error) {
      prepared.close();
      throw error;
    }
  }

  private constructor(platform: Platform, prepared: PreparedMachine, options: BootOptions) {
    const { onNotice } = options;
    this.console = new VmConsole(() => platform.hold());
    const agent = new GuestAgent(() => platform.hold(), platform.folders);
    this.agent = agent;
    this.commands = agent.commands;
    this.files = agent.files;
    this.ports = new VmPorts(platform, (port) => agent.tcp(port));
    this.#platform = platform;
    this.#options = options;
    this.#notes = prepared.notes ?? (() => Promise.resolve({}));
    this.forwards = prepared.forwards;
    this.machine = new Machine(prepared.config, prepared.host, {
      console: this.console.backend(),
      ports: portsOf(prepared.config).map(({ name }) =>
        name === AGENT_PORT ? agent.connection : { output: () => undefined },
      ),
      ...(onNotice === undefined ? {} : { onNotice }),
    });
    this.console.attach(this.machine);
    const port = this.machine.ports.find(({ name }) => name === AGENT_PORT);
    if (port !== undefined) agent.connection.attach(port);
    // Before anything that is asked of the agent: it waits for the same.
    if (prepared.config.kind === 'restored')
      agent.connection.greeted.then(() => agent.system.goOn()).catch(() => undefined);
    this.#ended = this.machine.ended.then((end) => {
      this.#hasEnded = true;
      this.#release();
      this.console.end();
      this.ports.close();
      agent.connection.close(new MachineEndedError('The machine has ended.'));
      prepared.close();
      return end.reason === 'stopped' ? (this.#overtime ?? end) : end;
    });
  }

  /** Starts it, and then the things that can end it from outside. */
  #begin({ signal, limits = {} }: BootOptions): void {
    this.machine.start();
    const stop = () => this.machine.stop();
    signal?.addEventListener('abort', stop);
    const cancelTimer = this.#startTimer(limits);
    this.#release = () => {
      signal?.removeEventListener('abort', stop);
      cancelTimer();
    };
  }

  /** How the machine ended. The program does not come to its end while this is waited for, and the machine runs. */
  get ended(): Promise<VmEnd> {
    return this.#held(() => this.#ended);
  }

  /** Opens a terminal of the guest, with a shell. @throws AgentError if it cannot be had; the reason of its signal */
  terminal(options: TerminalOptions = {}): Promise<GuestTerminal> {
    return this.agent.terminal(options);
  }

  /**
   * Sends a request to a server that listens at a port of the guest's own address: the guest needs no network, and the
   * host's name in the request's address is only told to the server. Redirections are not followed.
   *
   * @throws AgentError if nobody listens there (`ECONNREFUSED`), or no HTTP is spoken; InputError for arguments that
   * cannot be; the reason of the request's signal
   */
  async fetch(port: number, request: Request): Promise<Response> {
    checkArgument('port', port, PORT);
    checkArgument('request', request, REQUEST);
    return this.#held(async () => fetchOver(await this.agent.tcp(port, { signal: request.signal }), request));
  }

  /** The counters of each vCPU so far. */
  stats(): readonly VcpuStats[] {
    return this.machine.stats();
  }

  /**
   * Interrupts on their way, from now on until the machine ends or the loop over them is left: when they are set, when
   * the guest takes them, when it claims them. The machine was made with `trace`.
   *
   * @throws InputError in a machine without `trace`, and for options that cannot be
   */
  interrupts(options: FollowOptions = {}): AsyncIterableIterator<LiveInterrupt> {
    checkOptions(options, FOLLOW_OPTIONS);
    if (this.#options.trace === undefined || this.#options.trace === false)
      throw new InputError('Nobody follows the interrupts of this machine. Make it with `trace: true`.');
    return this.#heldLoop(this.machine.interrupts(options));
  }

  /**
   * All that happens to vCPUs and their interrupts, for a picture: also kicks, stays in the guest, sleep. In rows of
   * numbers, for there may be a hundred thousand a second: `MOMENT` has their places, `MOMENT_STEPS` their names. From
   * now on until the machine ends or the loop over them is left. The machine was made with `trace`.
   *
   * @throws InputError in a machine without `trace`
   */
  moments(): Moments {
    if (this.#options.trace === undefined || this.#options.trace === false)
      throw new InputError('Nobody follows the interrupts of this machine. Make it with `trace: true`.');
    const moments = this.machine.moments();
    return { ...this.#heldLoop(moments), subject: moments.subject };
  }

  /** The program does not come to its end while the next one is waited for. */
  #heldLoop<T>(events: AsyncIterableIterator<T>): AsyncIterableIterator<T> {
    return {
      next: () => this.#held(() => events.next()),
      return: () => events.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
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

  /** Lets a debugger stop the machine, look into it and have it go on; `GdbServer` is one way to use that. */
  debug(): Promise<DebugTarget> {
    return this.machine.debug();
  }

  /**
   * An image of the machine as it is now, with its memory, packed. It stands still meanwhile, and goes on then.
   *
   * Files of disks are no part of it, but for blocks written to disks with `snapshot`: they have to stay as they are.
   *
   * @throws MachineEndedError; InputError when a disk cannot be written to its end
   */
  async snapshot(): Promise<VmImage> {
    const sink = new PieceSink();
    await this.#save(sink);
    return new VmImage(sink.pieces, forOthers(this.#options));
  }

  /** The same to a file, which `restore` takes. @throws as {@link snapshot}; InputError when it cannot be written */
  async save(file: string): Promise<void> {
    checkArgument('file', file, TEXT);
    await this.#save(file);
  }

  /**
   * Starts another machine that goes on from here; this one does, too. The other one has networks, ports and folders of
   * its own, that lead where those of this one do, and the same limits; its forwarded ports are others.
   *
   * @throws as {@link snapshot}; InputError when something cannot be opened once more, such as a disk to be written;
   * the reason of `options.signal`
   */
  async fork(options: RestoreOptions = {}): Promise<Vm> {
    checkRestoreOptions(options);
    this.#checkSavable();
    const all = { ...forOthers(this.#options), ...options };
    checkRestoreShape(all, this.machine.plan.cpus);
    return this.#held(async () => {
      all.signal?.throwIfAborted();
      const saved = await this.machine.save((standing) => this.#platform.copy(standing, all.threads));
      return Vm.start(this.#platform, await this.#platform.adopt(saved, all), all);
    });
  }

  #checkSavable(): void {
    if (this.#hasEnded) throw new MachineEndedError('The machine has ended, so that it cannot be saved.');
    if (this.#options.protocol instanceof URL)
      throw new InputError('A machine with a protocol of your own can be neither saved nor forked.');
  }

  async #save(to: PieceSink | string): Promise<void> {
    this.#checkSavable();
    await this.#held(() =>
      this.machine.save(async (saved) => this.#platform.save(saved, to, await this.#notes())),
    );
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

function portsOf(config: PreparedMachine['config']): readonly PortFacts[] {
  return (config.kind === 'restored' ? config.saved.plan.ports : config.ports) ?? [];
}

/** The options for a machine that goes on with the state of one with these: ports of the host are free ones. */
function forOthers(options: BootOptions): RestoreOptions {
  const { threads, disk, share, network, limits, engine, trace, onNotice } = options;
  const isPlain = typeof network !== 'object';
  const free = isPlain
    ? network
    : { ...network, forward: (network.forward ?? []).map((each) => ({ ...each, port: 0 })) };
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(disk === undefined ? {} : { disk }),
    ...(share === undefined ? {} : { share }),
    ...(free === undefined ? {} : { network: free }),
    ...(limits === undefined ? {} : { limits }),
    ...(engine === undefined ? {} : { engine }),
    // A file is that machine's alone.
    ...(trace === true ? { trace } : {}),
    ...(onNotice === undefined ? {} : { onNotice }),
  };
}

import type { DebugTarget } from '../debug/target.ts';
import type { GuestBalloon, GuestNetwork, GuestPort, GuestSockets } from '../devices/backends.ts';
import type { HostSide } from '../devices/descriptor.ts';
import { checkOptions, type OptionRules, whole } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';
import { hotCodeOf } from '../hart/hot-code.ts';
import { type RegionStatistics, readRegionStatistics } from '../hart/region-statistics.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import type { LiveInterrupt } from '../trace/live.ts';
import type { Moments } from '../trace/moments.ts';
import { apart } from './apart.ts';
import { draftBareMachine } from './bare/bare-machine.ts';
import { GuestClock } from './clock.ts';
import type { MachineConfig } from './config.ts';
import { checkMachine } from './config-rules.ts';
import { Control, END } from './control.ts';
import { type Cpu, cpuOf } from './cpu.ts';
import type { MachineDebugger } from './debug/machine-debugger.ts';
import type { DeviceEvents } from './device-events.ts';
import { createDevices, type Devices, eventsOf } from './devices.ts';
import { draftDomain } from './domain/domain.ts';
import { DEFAULT_ENGINE, type Engine } from './engine.ts';
import { ioLanes } from './io/io.ts';
import type { MachineDraft, OwnFacts, Processors, VcpuStats } from './kind.ts';
import { EndReports, type MachineEnd } from './machine-end.ts';
import type { MachineCallbacks, MachineHost, RunningThread } from './machine-host.ts';
import { type MachinePlan, memoryFor } from './plan.ts';
import { draftRestored, type RestoreConfig } from './snapshot/draft.ts';
import { KeptAnswers } from './snapshot/kept-answers.ts';
import type { SavedMachine } from './snapshot/saved-machine.ts';
import type { TraceReport, WorkerMessage, WorkerStart } from './thread.ts';
import { MachineTrace } from './trace/owner.ts';

/** How long threads may take to leave after the end of their machine. */
const GRACE_MS = 5_000;

/** How a machine's events are followed. */
export interface FollowOptions {
  /**
   * Events, or batches of moments, that wait for a slow reader at most: 65536 events or 64 batches unless it is given.
   * The next one says how many were left out.
   */
  readonly limit?: number;
}

/** Its rules. */
export const FOLLOW_OPTIONS: OptionRules<FollowOptions> = { limit: whole(1, 2 ** 31) };

/** A machine, seen from the thread that owns it. */
export class Machine {
  readonly plan: MachinePlan;
  /** The device tree that the guest gets. */
  readonly deviceTree: Uint8Array<ArrayBuffer>;
  readonly ended: Promise<MachineEnd>;
  readonly #engine: Engine;
  readonly #cpu: Cpu;
  readonly #own: OwnFacts;
  /** Of a machine that was saved: where its time is, and the state of its I/O threads. */
  readonly #restored: SavedMachine | undefined;
  readonly #host: MachineHost;
  readonly #callbacks: MachineCallbacks;
  readonly #memory: WebAssembly.Memory;
  readonly #control: Control;
  readonly #clock: GuestClock;
  readonly #devices: Devices;
  readonly #events: DeviceEvents;
  readonly #hostSides: readonly (HostSide | undefined)[];
  readonly #processors: Processors;
  readonly #trace: MachineTrace | undefined;
  #threads: RunningThread[] = [];
  #running = 0;
  #hasBegun = false;
  #traceHasEnded = false;
  #pause: Promise<void> | undefined;
  /** Shared time, in milliseconds, since which guest time stands still. */
  #pausedAt: number | undefined;
  /** The machine is being saved: it stays paused until that is done, and goes on then if somebody wants it to. */
  #saving: Promise<unknown> | undefined;
  #resumesLater = false;
  readonly #answers = new KeptAnswers();
  #debugger: Promise<MachineDebugger> | undefined;
  /** The same, once it is there. */
  #inspecting: MachineDebugger | undefined;
  readonly #endReports = new EndReports();
  #grace: ReturnType<typeof setTimeout> | undefined;
  /** The first notice of code that did not compile. */
  #refused = '';
  #finish: (end: MachineEnd) => void = () => undefined;

  /**
   * Puts the machine together: nothing runs before {@link start}.
   *
   * @throws InputError for parts that do not exist, are missing or of another kind, and when the kernel, initrd and
   *   device tree do not fit into memory
   * @throws RangeError for numbers out of range
   */
  constructor(config: MachineConfig | RestoreConfig, host: MachineHost, callbacks: MachineCallbacks) {
    checkMachine(config, host, callbacks);
    this.#engine = config.engine ?? DEFAULT_ENGINE;
    this.#restored = config.kind === 'restored' ? config.saved : undefined;
    this.#cpu = cpuOf(config.kind === 'restored' ? config.saved : config);
    this.#host = host;
    this.#callbacks = callbacks;
    const draft = draftOf(config);
    const { plan } = draft;
    this.plan = plan;
    this.#own = draft.own;
    this.deviceTree = draft.boot.deviceTree;
    this.#memory = draft.memory ?? memoryFor(plan);
    const ram = new GuestMemory(this.#memory, plan.ram);
    for (const { address, bytes } of draft.boot.parts) {
      if (!ram.copyIn(address, bytes))
        throw new RangeError(`a part of the boot plan is not in RAM: ${address}`);
    }
    if (config.kind !== 'restored' && config.detachFiles === true) detachFiles(draft.boot);
    this.#control = new Control(this.#memory, plan.control);
    this.#control.startedAt = this.#now();
    this.#clock = new GuestClock(this.#control.startedAt, host.clockOffset);
    const { trace } = config;
    this.#trace = trace && new MachineTrace(trace, plan, this.#engine, host.clockOffset, this.#now());
    this.#devices = createDevices(ram, plan, {
      clock: this.#clock,
      hartChanged: (hart) => this.#processors.kick(hart),
      finish: () => undefined,
      tell: (device, event) => this.#hostSides[device]?.hear(event),
      wakeIo: (lane) => this.#control.wakeIo(lane),
      openDrive: () => {
        throw new Error("drives are opened by the machine's own threads");
      },
      openShortDrive: () => undefined,
      openShare: () => {
        throw new Error("shared folders are opened by the machine's own threads");
      },
      openNetwork: () => {
        throw new Error("the network is that of the machine's own threads");
      },
      notice: (text) => this.#notice(text),
      trace: this.#trace?.recorder,
    });
    this.#events = eventsOf(this.#memory, plan);
    this.#hostSides = this.#devices.instances.map((instance) => instance.connect?.(callbacks));
    this.#processors = draft.create(this.#memory, this.#clock, this.#trace?.recorder);
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Starts the machine's threads. @throws InputError when it has begun, or was stopped, before */
  start(): void {
    if (this.#hasBegun)
      throw new InputError(
        'This machine has been started, or stopped, before, and runs once. Make another one.',
      );
    this.#hasBegun = true;
    const { pcpus } = this.plan;
    const engine = this.#engine;
    const cpu = this.#cpu;
    const memory = this.#memory;
    if (this.#restored !== undefined) this.#goOnWith(this.#restored);
    const hot = this.#restored?.hot;
    const starts: WorkerStart[] = [];
    for (let index = 0; index < pcpus; index++) {
      const trace = this.#trace?.of(index);
      starts.push(this.#processors.startOf({ memory, index, engine, ...cpu, trace, hot }));
    }
    for (const lane of ioLanes({ plan: this.plan, engine })) {
      const trace = this.#trace?.of(starts.length);
      const of = this.#processors.startOf({ memory, index: 0, engine, ...cpu, trace });
      const kept = this.#restored?.kept ?? [];
      starts.push({ kind: 'io', memory, index: starts.length, engine, ...cpu, lane, of, kept });
    }
    this.#running = starts.length;
    for (const start of starts) this.#spawn(start, (error) => this.#threadEnded(error));
    if (this.#trace === undefined) return;
    const start = this.#trace.start({ memory, index: starts.length, engine, ...cpu });
    this.#spawn(start, (error) => this.#traceEnded(error));
  }

  /** A thread that cannot be started has failed: the others may be at work already. */
  #spawn(start: WorkerStart, onExit: (error: Error | undefined) => void): void {
    try {
      this.#threads.push(this.#host.spawn(start, (message) => this.#receive(message), onExit));
    } catch (error) {
      onExit(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Types at the console. @returns how many bytes it took; the rest again after `inputSpace` of its backend */
  input(bytes: Uint8Array): number {
    return this.#pause === undefined ? this.#devices.console.receive(bytes) : 0;
  }

  /** The ports of the virtio console, in the order in which they were asked for. */
  get ports(): readonly GuestPort[] {
    return this.#hostSides.flatMap((side) => side?.ports ?? []);
  }

  /** The way to sockets in the guest; undefined in a machine without a socket device. */
  get sockets(): GuestSockets | undefined {
    return this.#hostSides.find((side) => side?.sockets !== undefined)?.sockets;
  }

  /** The way to memory that the guest can do without; undefined in a machine without a balloon. */
  get balloon(): GuestBalloon | undefined {
    return this.#hostSides.find((side) => side?.balloon !== undefined)?.balloon;
  }

  /** Traffic of the network card; undefined in a machine without one. */
  get network(): GuestNetwork | undefined {
    return this.#hostSides.find((side) => side?.network !== undefined)?.network;
  }

  /**
   * Stops the machine where it is: resolves when each of its processors is outside of guest code and no device changes
   * any more, or when it has ended. Guest time stands still from then until {@link resume}.
   */
  pause(): Promise<void> {
    this.#resumesLater = false;
    this.#pause ??= this.#awake(() => this.#beginPause());
    return this.#pause;
  }

  /** Goes on after {@link pause}; also if that has not come about yet. */
  resume(): void {
    this.#resumesLater = this.#saving !== undefined;
    if (this.#pause === undefined || this.#resumesLater) return;
    this.#pause = undefined;
    if (this.#pausedAt !== undefined) {
      this.#control.startedAt += this.#now() - this.#pausedAt;
      this.#clock.restart(this.#control.startedAt);
      this.#pausedAt = undefined;
    }
    this.#control.resume();
    for (const side of this.#hostSides) side?.resume?.();
  }

  /**
   * Hands out all of the machine's state, and has it stand still until `use` is done with that. Then it goes on, unless
   * it was paused before, or is paused meanwhile.
   *
   * @throws InputError when the machine has ended, when it compares two harts in lock step, or when a disk cannot be
   *   written to its end
   */
  async save<Result>(use: (saved: SavedMachine) => Result | Promise<Result>): Promise<Result> {
    while (this.#saving !== undefined) await this.#saving.catch(() => undefined);
    const saving = this.#awake(() => this.#saveNow(use, this.#pause === undefined));
    this.#saving = saving;
    return saving;
  }

  /** Keeps the program running meanwhile: answers of threads do not. */
  async #awake<Result>(work: () => Promise<Result>): Promise<Result> {
    const release = this.#host.hold?.();
    return work().finally(release);
  }

  async #saveNow<Result>(
    use: (saved: SavedMachine) => Result | Promise<Result>,
    goesOn: boolean,
  ): Promise<Result> {
    try {
      const stands = this.pause();
      this.#resumesLater = goesOn;
      await stands;
      return await use(await this.#capture());
    } finally {
      this.#saving = undefined;
      if (this.#resumesLater) this.resume();
    }
  }

  /** A copy of the machine as it is now, which another one can go on with. @param pcpus threads of that one */
  async fork(pcpus?: number): Promise<SavedMachine> {
    const { copyMachine } = await import('./snapshot/copy.ts');
    return this.save((saved) => copyMachine(saved, pcpus));
  }

  async #capture(): Promise<SavedMachine> {
    if (this.#engine === 'lockstep')
      throw new InputError('A machine in lock step cannot be saved. Choose another engine than lockstep.');
    if (this.#threads.length === 0) throw new Error('a machine that has not been started has no state');
    const lanes = ioLanes({ plan: this.plan, engine: this.#engine });
    const kept = this.#answers.of(lanes, this.ended);
    if (lanes.length > 0) this.#control.ask();
    const all = await kept;
    const stands = await this.#control.allStand(this.#running);
    if (!stands || this.#pausedAt === undefined)
      throw new InputError('The machine has ended, and cannot be saved any more.');
    const registers = this.#processors.registers();
    return {
      ...{ plan: this.plan, own: this.#own, ...this.#cpu, memory: this.#memory },
      ...{ deviceTree: this.deviceTree, registers, kept: all },
      hot: this.#hotCode(),
      milliseconds: this.#pausedAt - this.#control.startedAt,
    };
  }

  #hotCode(): SavedMachine['hot'] {
    const { harts, codePages } = this.plan;
    return hotCodeOf({ memory: this.#memory, areas: harts, codePages }, this.#restored?.hot);
  }

  /** Guest time goes on where it was, and the threads of devices look for work. */
  #goOnWith({ milliseconds }: SavedMachine): void {
    this.#control.startedAt = this.#now() - milliseconds;
    this.#clock.restart(this.#control.startedAt);
    for (const side of this.#hostSides) side?.restored?.();
    for (const side of this.#hostSides) side?.resume?.();
  }

  /** Ends the machine from outside; {@link ended} follows. */
  stop(): void {
    this.#control.end(END.stopped);
    this.#processors.wakeAll();
    this.#terminateLater();
    if (!this.#hasBegun) this.#conclude();
    this.#hasBegun = true;
  }

  /** The counters of each vCPU so far; a bare machine has none. */
  stats(): readonly VcpuStats[] {
    return this.#processors.stats();
  }

  /**
   * Interrupts on their way, from now on until the machine ends or the loop over them is left. The machine is traced.
   *
   * @throws Error in a machine that is not traced; InputError for options that cannot be
   */
  interrupts(options: FollowOptions = {}): AsyncIterableIterator<LiveInterrupt> {
    checkOptions(options, FOLLOW_OPTIONS);
    const { limit = 1 << 16 } = options;
    if (this.#trace === undefined)
      throw new Error('This machine is not traced, so nobody follows its interrupts: give it a `trace`.');
    return this.#trace.live.watch(limit);
  }

  /**
   * All that happens to vCPUs and their interrupts, from now on until the machine ends or the loop is left; as rows of
   * numbers, see `MOMENT`. The machine is traced.
   *
   * @throws Error in a machine that is not traced; InputError for options that cannot be
   */
  moments(options: FollowOptions = {}): Moments {
    checkOptions(options, FOLLOW_OPTIONS);
    const { limit = 64 } = options;
    if (this.#trace === undefined)
      throw new Error('This machine is not traced, so nobody follows it: give it a `trace`.');
    return this.#trace.moments.watch(limit);
  }

  /** The report of the trace; undefined as long as the machine runs, and if it is not traced. */
  get traceReport(): TraceReport | undefined {
    return this.#trace?.report;
  }

  /** Statistics of the compiler of each pCPU or hart; empty where all code is interpreted. */
  regionStats(): readonly RegionStatistics[] {
    if (this.#engine === 'interp') return [];
    return this.plan.harts.map((area) => readRegionStatistics(this.#memory, area));
  }

  /**
   * Lets a debugger look into the machine, stop it and have it go on; one at a time, for as long as the machine lives.
   * Not under `lockstep`, whose second hart no debugger could keep up with.
   */
  debug(): Promise<DebugTarget> {
    this.#debugger ??= this.#createDebugger();
    return this.#debugger.then(({ target }) => target);
  }

  async #createDebugger(): Promise<MachineDebugger> {
    const { MachineDebugger } = await import('./debug/machine-debugger.ts');
    this.#inspecting = await MachineDebugger.create({
      memory: this.#memory,
      plan: this.plan,
      ...this.#cpu,
      devices: this.#devices,
      ticks: () => this.#clock.ticks(),
      processors: this.#processors,
      pause: () => this.pause(),
      resume: () => this.resume(),
      stop: () => this.stop(),
      ended: this.ended,
    });
    return this.#inspecting;
  }

  async #beginPause(): Promise<void> {
    this.#control.pause();
    this.#processors.wakeAll();
    const stands = await this.#control.allStand(this.#running);
    // It may have been resumed since the last thread stood still.
    if (!stands || !this.#control.pausing) return;
    this.#inspecting?.settle();
    for (const side of this.#hostSides) side?.pause?.();
    this.#pausedAt = this.#now();
  }

  /** Milliseconds, in the time that all threads share. */
  #now(): number {
    return performance.now() + this.#host.clockOffset;
  }

  /**
   * Threads leave by themselves, within milliseconds. One that does not (because a lock died with another thread) is
   * ended, so that {@link ended} always follows.
   */
  #terminateLater(): void {
    if (this.#running === 0) return;
    this.#grace ??= setTimeout(() => {
      for (const thread of this.#threads) void thread.terminate();
    }, GRACE_MS);
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'device':
        this.#events.take(message.device, message.event);
        apart(() => this.#hostSides[message.device]?.hear(message.event));
        break;
      case 'ended':
        this.#terminateLater();
        break;
      case 'debug':
        void this.#debugger?.then((each) => each.hear());
        break;
      case 'notice':
        this.#notice(message.text);
        break;
      case 'refused':
        if (this.#refused === '') this.#notice(message.text);
        this.#refused ||= message.text;
        break;
      case 'kept':
        this.#answers.add(message.kept);
        break;
      case 'keptAll':
        this.#answers.end(message.lane, message.trouble);
        break;
      case 'interrupts':
        this.#trace?.live.receive(message.batch);
        break;
      case 'moments':
        this.#trace?.moments.receive(message.batch);
        break;
      case 'traced':
        if (this.#trace !== undefined) this.#trace.report = message.report;
        break;
      case 'stuck':
        this.#endReports.stuck(message.text);
        break;
      case 'differs':
        this.#endReports.differs(message.text);
        break;
    }
  }

  #notice(text: string): void {
    apart(() => this.#callbacks.onNotice?.(text));
  }

  /** A thread that fails takes the whole machine down; the others leave by themselves. */
  #threadEnded(error: Error | undefined): void {
    if (error !== undefined) {
      this.#endReports.fail(error);
      this.stop();
    }
    this.#running--;
    if (this.#running > 0) return;
    for (const side of this.#hostSides) apart(() => side?.finish?.());
    const unsent = this.#control.unsentNotices;
    if (unsent > 0) this.#notice(`There were ${unsent} more notices of this kind.`);
    if (this.#trace === undefined || this.#traceHasEnded) this.#conclude();
    else this.#trace.finish();
  }

  /** The thread that writes the trace outlives those that record. */
  #traceEnded(error: Error | undefined): void {
    this.#traceHasEnded = true;
    if (error !== undefined) {
      this.#endReports.fail(error);
      this.stop();
    }
    if (this.#running === 0) this.#conclude();
  }

  #conclude(): void {
    this.#trace?.live.end();
    this.#trace?.moments.end();
    clearTimeout(this.#grace);
    this.#finish(this.#endReports.endOf(this.#control));
  }
}

function draftOf(config: MachineConfig | RestoreConfig): MachineDraft {
  if (config.kind === 'restored') return draftRestored(config);
  return config.kind === 'domain' ? draftDomain(config) : draftBareMachine(config);
}

/** Frees the memory of all files; the device tree is the machine's own. */
function detachFiles({ parts, deviceTree }: MachineDraft['boot']): void {
  for (const { buffer } of parts.map(({ bytes }) => bytes)) {
    // The parts of an ELF file share one.
    if (buffer !== deviceTree.buffer && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}

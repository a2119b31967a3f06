import { type BootPlan, planBoot } from '../boot/boot-plan.ts';
import type { Kernel } from '../boot/kernel-image.ts';
import { type RegionStatistics, readRegionStatistics } from '../hart/region-statistics.ts';
import { enqueueStarted } from '../hypervisor/enqueue-started.ts';
import type { Vcpu } from '../hypervisor/vcpu.ts';
import { HSM, STAT, type Stat } from '../hypervisor/vcpu-layout.ts';
import { timesForced } from '../interrupts/forced-order.ts';
import { type BareProgram, planBare } from './bare-boot.ts';
import { GuestClock } from './clock.ts';
import { Control, END, NEWS } from './control.ts';
import { createDevices, type Devices } from './devices.ts';
import { DEFAULT_ENGINE, type Engine } from './engine.ts';
import { advertisedExtensions } from './extensions.ts';
import { kickHart } from './kick-hart.ts';
import { type MachinePlan, planMachine } from './plan.ts';
import type { RunBare, WorkerMessage, WorkerStart } from './thread.ts';
import { createEvents, createScheduler, createVcpus } from './vcpus.ts';

/** What a machine is made of. */
export type MachineConfig = {
  readonly engine?: Engine;
  /**
   * Once the kernel, the initrd or the program is in guest memory, its buffer is detached: collectors of garbage take their
   * time with what is no object of the language, and these are tens of MiB.
   */
  readonly detachFiles?: boolean;
} & (
  | {
      readonly kind: 'domain';
      /** 1 to 64. */
      readonly vcpus: number;
      /** Threads that run them: 1 to `vcpus`. */
      readonly pcpus: number;
      /** Guest RAM in bytes, a multiple of 4096. */
      readonly memoryBytes: number;
      /** Name of the interrupt protocol. */
      readonly protocol: string;
      readonly kernel: Kernel;
      readonly initrd?: Uint8Array;
      /** The kernel command line. */
      readonly bootArgs: string;
      /** The order of accesses to force where the protocol's sync and set meet (`forceOrder`); needs two pCPUs. */
      readonly forcedOrder?: string;
      /** Check the rules of the vCPU loop. */
      readonly debug?: boolean;
    }
  | {
      readonly kind: 'bare';
      readonly harts: number;
      readonly memoryBytes: number;
      readonly program: BareProgram;
      readonly bootArgs?: string;
    }
);

/** How long threads may take to leave after the end of their machine. */
const GRACE_MS = 5_000;

/** How a machine ended. */
export type MachineEnd =
  | { readonly reason: 'poweroff' }
  | { readonly reason: 'reboot' }
  /** The guest reported a failure; `code` is its own. */
  | { readonly reason: 'failure'; readonly code: number }
  /** By {@link Machine.stop}. */
  | { readonly reason: 'stopped' }
  /** The guest cannot make progress; `message` says in whole sentences why. */
  | { readonly reason: 'stuck'; readonly message: string }
  /** Under `lockstep`: compiled and interpreted code do not do the same. `report` says in many lines how. */
  | { readonly reason: 'differs'; readonly report: string }
  /** A thread of ours failed. */
  | { readonly reason: 'defect'; readonly error: Error };

/** A thread that the surroundings have started. */
export interface RunningThread {
  terminate(): Promise<void>;
}

/** What the surroundings (Node, a page) provide. */
export interface MachineHost {
  /** Milliseconds to add to `performance.now()` of the calling thread for the time that all threads share. */
  readonly clockOffset: number;
  /** Starts a thread that calls `runWorker(start, ...)`; `onExit` is called when it has returned or failed. */
  spawn(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onExit: (error: Error | undefined) => void,
  ): RunningThread;
}

/** What the machine tells its owner. */
export interface MachineCallbacks {
  /** Output of the serial port. Where a promise is returned, no more is taken from the port until it is fulfilled. */
  onOutput(bytes: Uint8Array): Promise<void> | undefined;
  /** {@link Machine.input} will take bytes again. */
  onInputSpace?(): void;
  /** For people. */
  onNotice?(text: string): void;
}

/** Counters of one vCPU. */
export type VcpuStats = Readonly<Record<Stat, number>>;

/** A machine, seen from the thread that owns it. */
export class Machine {
  readonly plan: MachinePlan;
  /** The device tree that the guest gets. */
  readonly deviceTree: Uint8Array<ArrayBuffer>;
  readonly ended: Promise<MachineEnd>;
  readonly #config: MachineConfig;
  readonly #host: MachineHost;
  readonly #callbacks: MachineCallbacks;
  readonly #memory: WebAssembly.Memory;
  readonly #control: Control;
  readonly #devices: Devices;
  readonly #vcpus: readonly Vcpu[];
  readonly #startedAt: number;
  readonly #bare: RunBare | undefined;
  #threads: RunningThread[] = [];
  #running = 0;
  #outputBusy = false;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #defect: Error | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #stuck = '';
  #difference = '';
  /** The first notice of code that did not compile. */
  #refused = '';
  #finish: (end: MachineEnd) => void = () => undefined;

  /**
   * Puts the machine together: nothing runs before {@link start}.
   *
   * @throws InputError when the kernel, initrd and device tree do not fit into memory
   * @throws RangeError for numbers out of range
   */
  constructor(config: MachineConfig, host: MachineHost, callbacks: MachineCallbacks) {
    this.#config = config;
    this.#host = host;
    this.#callbacks = callbacks;
    const boot = planConfig(config);
    this.deviceTree = boot.deviceTree;
    this.#bare = boot.bare;
    this.plan = planMachine(shapeOf(config));
    const { plan } = this;
    this.#memory = new WebAssembly.Memory({ initial: plan.pages, maximum: plan.pages, shared: true });
    const bytes = new Uint8Array(this.#memory.buffer);
    for (const part of boot.parts) bytes.set(part.bytes, plan.ram.offset + part.address - plan.ram.base);
    if (config.detachFiles === true) detachFiles(boot);
    this.#control = new Control(this.#memory, plan.control);
    this.#startedAt = performance.now() + host.clockOffset;
    const clock = new GuestClock(this.#startedAt, host.clockOffset);
    this.#devices = createDevices(this.#memory, plan, clock, {
      contextChanged: (context) => this.#kickContext(context),
      coreLocalChanged: () => undefined,
      finish: () => undefined,
      output: () => this.#drain(),
      inputSpace: () => this.#callbacks.onInputSpace?.(),
      alarm: () => this.#setAlarm(),
    });
    this.#vcpus = createVcpus(
      { memory: this.#memory, plan, protocol: protocolOf(config), debug: false },
      createScheduler({ memory: this.#memory, plan }),
      () => clock.ticks(),
      () => false,
    );
    for (const vcpu of this.#vcpus) vcpu.reset();
    createEvents({ memory: this.#memory, plan }).reset();
    if (config.kind === 'domain') this.#prepareBootVcpu(boot);
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Starts the machine's threads. */
  start(): void {
    const { plan } = this;
    this.#running = plan.pcpus;
    for (let index = 0; index < plan.pcpus; index++) {
      const start: WorkerStart = {
        memory: this.#memory,
        plan,
        index,
        startedAt: this.#startedAt,
        engine: this.#config.engine ?? DEFAULT_ENGINE,
        protocol: protocolOf(this.#config),
        debug: this.#config.kind === 'domain' && (this.#config.debug ?? false),
        ...forcedOrderOf(this.#config),
        ...(this.#bare === undefined ? {} : { bare: this.#bare }),
      };
      this.#threads.push(
        this.#host.spawn(
          start,
          (message) => this.#receive(message),
          (error) => this.#threadEnded(error),
        ),
      );
    }
  }

  /** Gives bytes to the serial port. @returns how many it took; the rest again after `onInputSpace` */
  input(bytes: Uint8Array): number {
    return this.#devices.uart.receive(bytes);
  }

  /** Ends the machine from outside; {@link ended} follows. */
  stop(): void {
    this.#control.end(END.stopped);
    this.#wakeAll();
    this.#terminateLater();
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

  /** The counters of each vCPU so far. */
  stats(): readonly VcpuStats[] {
    return this.#vcpus.map(
      (vcpu) => Object.fromEntries(STAT.map((name) => [name, vcpu.stat(name)])) as VcpuStats,
    );
  }

  /** What each pCPU or hart has compiled; empty where all code is interpreted. */
  regionStats(): readonly RegionStatistics[] {
    if ((this.#config.engine ?? DEFAULT_ENGINE) === 'interp') return [];
    return this.plan.harts.map((area) => readRegionStatistics(this.#memory, area));
  }

  /** How often the order of {@link MachineConfig} was forced so far. */
  timesForced(): number {
    return this.#vcpus.reduce((sum, { interrupts }) => sum + timesForced(interrupts.words), 0);
  }

  #prepareBootVcpu(boot: ConfiguredBoot): void {
    const first = this.#vcpus[0];
    if (first === undefined) throw new RangeError('a domain has at least one vCPU');
    first.hsm = HSM.startPending;
    const { entry, deviceTreeAddress } = boot;
    first.setStart(
      entry | 0,
      Math.floor(entry / 2 ** 32),
      deviceTreeAddress | 0,
      Math.floor(deviceTreeAddress / 2 ** 32),
    );
    enqueueStarted(first, createScheduler({ memory: this.#memory, plan: this.plan }));
  }

  #kickContext(context: number): void {
    if (this.plan.kind === 'domain') this.#vcpus[context]?.kick();
    else this.#kickHart(context >> 1);
  }

  #kickHart(hart: number): void {
    const vcpu = this.#vcpus[hart];
    if (vcpu !== undefined) kickHart(vcpu.interrupts.words);
  }

  #wakeAll(): void {
    for (const vcpu of this.#vcpus) {
      if (this.plan.kind === 'domain') vcpu.kick();
      else kickHart(vcpu.interrupts.words);
    }
    createScheduler({ memory: this.#memory, plan: this.plan }).announce(this.plan.pcpus);
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'news':
        this.#hear(this.#control.takeNews());
        break;
      case 'notice':
        this.#callbacks.onNotice?.(message.text);
        break;
      case 'refused':
        if (this.#refused === '') this.#callbacks.onNotice?.(message.text);
        this.#refused ||= message.text;
        break;
      case 'stuck':
        this.#stuck ||= message.text;
        break;
      case 'differs':
        this.#difference ||= message.text;
        break;
    }
  }

  #hear(news: number): void {
    if ((news & NEWS.output) !== 0) this.#drain();
    if ((news & NEWS.inputSpace) !== 0) this.#callbacks.onInputSpace?.();
    if ((news & NEWS.alarm) !== 0) this.#setAlarm();
    if ((news & NEWS.ended) !== 0) this.#terminateLater();
  }

  /** Takes the port's output, unless its reader is busy: then the guest finds the port full, and waits. */
  #drain(): void {
    if (this.#outputBusy) return;
    const bytes = this.#devices.uart.drain();
    if (bytes.length === 0) return;
    const taken = this.#callbacks.onOutput(bytes);
    if (taken === undefined) return;
    this.#outputBusy = true;
    void taken.finally(() => {
      this.#outputBusy = false;
      this.#drain();
    });
  }

  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const delay = this.#devices.rtc.alarmDelay();
    if (!Number.isFinite(delay)) return;
    this.#alarm = setTimeout(
      () => {
        this.#devices.rtc.checkAlarm();
        this.#setAlarm();
      },
      Math.min(delay, 2 ** 31 - 1),
    );
  }

  /** A thread that fails takes the whole machine down; the others leave by themselves. */
  #threadEnded(error: Error | undefined): void {
    if (error !== undefined) {
      this.#defect ??= error;
      this.stop();
    }
    this.#running--;
    if (this.#running > 0) return;
    clearTimeout(this.#alarm);
    clearTimeout(this.#grace);
    // The guest writes no more: what is left is little, and whoever waits for the end gets it before.
    this.#outputBusy = false;
    this.#drain();
    const unsent = this.#control.unsentNotices;
    if (unsent > 0) this.#callbacks.onNotice?.(`There were ${unsent} more notices of this kind.`);
    this.#finish(this.#end());
  }

  #end(): MachineEnd {
    if (this.#defect !== undefined) return { reason: 'defect', error: this.#defect };
    // It may have been found when the machine had ended otherwise.
    if (this.#difference !== '') return { reason: 'differs', report: this.#difference };
    const { reason, code } = this.#control;
    switch (reason) {
      case END.powerOff:
        return { reason: 'poweroff' };
      case END.reboot:
        return { reason: 'reboot' };
      case END.failure:
        return { reason: 'failure', code };
      case END.stuck:
        return { reason: 'stuck', message: this.#stuck };
      default:
        return { reason: 'stopped' };
    }
  }
}

interface ConfiguredBoot extends Pick<BootPlan, 'parts' | 'entry' | 'deviceTree' | 'deviceTreeAddress'> {
  readonly bare?: RunBare;
}

function planConfig(config: MachineConfig): ConfiguredBoot {
  const description = {
    kind: config.kind,
    cpus: config.kind === 'domain' ? config.vcpus : config.harts,
    memorySize: config.memoryBytes,
    extensions: advertisedExtensions(config.kind),
    mmuType: 'riscv,sv57',
    ...(config.bootArgs === undefined ? {} : { bootArgs: config.bootArgs }),
    // In lock step a machine does the same each time.
    rngSeed:
      config.engine === 'lockstep' ? new Uint8Array(64).fill(1) : crypto.getRandomValues(new Uint8Array(64)),
  } as const;
  if (config.kind === 'domain') return planBoot(config.kernel, config.initrd, description);
  return planBare(config.program, description);
}

/** Frees the memory of all files; the device tree is the machine's own. */
function detachFiles({ parts, deviceTree }: ConfiguredBoot): void {
  for (const { buffer } of parts.map(({ bytes }) => bytes)) {
    // The parts of an ELF file share one.
    if (buffer !== deviceTree.buffer && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}

function shapeOf(config: MachineConfig) {
  return config.kind === 'domain'
    ? { kind: config.kind, cpus: config.vcpus, pcpus: config.pcpus, ramBytes: config.memoryBytes }
    : { kind: config.kind, cpus: config.harts, pcpus: config.harts, ramBytes: config.memoryBytes };
}

function forcedOrderOf(config: MachineConfig): Pick<WorkerStart, 'forcedOrder'> {
  return config.kind === 'domain' && config.forcedOrder !== undefined
    ? { forcedOrder: config.forcedOrder }
    : {};
}

function protocolOf(config: MachineConfig): string {
  return config.kind === 'domain' ? config.protocol : 'take-mirror';
}

import { Hart } from '../../src/hart/index.ts';
import { Pace } from '../../src/hart/pace.ts';
import { csrName } from '../../src/hart/privileged/index.ts';
import { enqueueStarted } from '../../src/hypervisor/enqueue-started.ts';
import { openToGuests } from '../../src/hypervisor/guest-environment.ts';
import { Pcpu, type PcpuDomain } from '../../src/hypervisor/pcpu.ts';
import { Scheduler } from '../../src/hypervisor/scheduler.ts';
import { SoftwareEvents } from '../../src/hypervisor/software-events.ts';
import { Vcpu } from '../../src/hypervisor/vcpu.ts';
import { HSM } from '../../src/hypervisor/vcpu-layout.ts';
import { FILE_BLOCK, InterruptFile } from '../../src/interrupts/interrupt-file.ts';
import { protocolByName } from '../../src/interrupts/protocols.ts';
import { assemble, type Xlen } from '../../src/isa/index.ts';
import { allExtensions } from '../../src/machine/extensions.ts';
import { type DomainPlan, planMachine } from '../../src/machine/plan.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { interpreter } from '../hart/hart-bed.ts';

export const RAM = 0x8000_0000;
const RAM_BYTES = 1 << 20;
const PAGES_64K = 0x1_0000;
/** Looks at the clock after which a test's domain is given up. */
const LONGEST = 200_000;

const CSR_NUMBERS: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 4096 }, (_, number) => [csrName(number), number] as const).flatMap(([name, number]) =>
    name === undefined ? [] : [[name, number] as const],
  ),
);

export interface DomainBedOptions {
  readonly vcpus?: number;
  readonly pcpus?: number;
  readonly protocol?: string;
  /** Bytes of RAM; 1 MiB unless given. */
  readonly ramBytes?: number;
  /** Ticks that pass with each look at the clock. */
  readonly step?: number;
  /** The AIA: each vCPU has an interrupt file. */
  readonly aia?: boolean;
  /** Width of the harts, 64 unless given. */
  readonly xlen?: Xlen;
}

/**
 * A domain without threads: its pCPUs are served by the calling thread, its time goes on with each look at the clock,
 * its console and devices are plain variables. Rules of the vCPU loop are checked.
 */
export class DomainBed {
  readonly plan: DomainPlan;
  readonly memory: WebAssembly.Memory;
  readonly ram: GuestMemory;
  readonly scheduler: Scheduler;
  readonly events: SoftwareEvents;
  readonly vcpus: readonly Vcpu[];
  readonly harts: readonly Hart[];
  readonly pcpus: readonly Pcpu[];
  readonly domain: PcpuDomain;
  readonly bytes: Uint8Array;
  /** How the domain ended, and why it was called stuck. */
  ended: 'shutdown' | 'failure' | 'reboot' | 'stuck' | 'stopped' | undefined;
  stuck = '';
  output = '';
  input = '';
  /** Room in the console's output; reaching 0 ends the domain. */
  room = Number.POSITIVE_INFINITY;
  now = 1000;
  /** The external interrupt line of each vCPU. */
  readonly lines: boolean[];
  /** Called when the hypervisor asks for an external line. */
  onLine: () => void = () => undefined;
  /** Called with each look at the clock. */
  onLook: () => void = () => undefined;
  readonly #step: number;
  readonly #xlen: Xlen;
  readonly #aia: boolean;
  /** Interrupt files of the vCPUs. */
  readonly files: readonly InterruptFile[];
  #looks = 0;

  constructor(options: DomainBedOptions = {}) {
    const { vcpus = 1, pcpus = 1, protocol = 'take-mirror', step = 50, ramBytes = RAM_BYTES } = options;
    this.#step = step;
    this.#xlen = options.xlen ?? 64;
    this.#aia = options.aia === true;
    this.plan = planMachine({ kind: 'domain', cpus: vcpus, pcpus, ramBytes });
    const { plan } = this;
    // Interrupt files lie behind the domain.
    const pages = plan.pages + Math.ceil((vcpus * FILE_BLOCK.bytes) / PAGES_64K);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const { memory } = this;
    this.files = Array.from({ length: vcpus }, (_, index) => {
      const at = plan.pages * PAGES_64K + index * FILE_BLOCK.bytes;
      return new InterruptFile(FILE_BLOCK.over(memory.buffer, at));
    });
    this.ram = new GuestMemory(memory, plan.ram);
    this.bytes = new Uint8Array(memory.buffer);
    const words = new Int32Array(memory.buffer, plan.scheduler, Scheduler.wordsFor(vcpus));
    this.scheduler = new PatientScheduler(words, vcpus, (ticks) => {
      this.now += ticks;
    });
    const eventWords = new Int32Array(memory.buffer, plan.events, SoftwareEvents.wordsFor(vcpus));
    this.events = new SoftwareEvents(eventWords, vcpus);
    this.events.reset();
    this.lines = Array.from({ length: vcpus }, () => false);
    this.vcpus = plan.vcpus.map((_, index) =>
      this.vcpuOf(
        index,
        () => {
          this.onLine();
          return this.lines[index] === true || this.files[index]?.asserts() === true;
        },
        protocol,
      ),
    );
    for (const vcpu of this.vcpus) vcpu.reset();
    this.domain = this.#makeDomain();
    this.harts = plan.harts.map((area, index) => this.#makeHart(area, index));
    this.pcpus = this.harts.map((hart, index) => new Pcpu(index, hart, this.domain, () => new SteadyPace()));
  }

  get vcpu(): Vcpu {
    return this.vcpus[0] as Vcpu;
  }

  get hart(): Hart {
    return this.harts[0] as Hart;
  }

  /** A vCPU as one more thread sees it. */
  vcpuOf(index: number, externalPending: () => boolean, protocol = 'take-mirror'): Vcpu {
    return new Vcpu({
      memory: this.memory,
      area: this.plan.vcpus[index] ?? 0,
      index,
      protocol: protocolByName(protocol),
      externalPending,
      ticks: () => this.ticks(),
      sstc: true,
      aia: this.#aia,
      wake: () => this.scheduler.enqueue(index),
      debug: true,
      xlen: this.#xlen,
    });
  }

  /** Assembles a program into RAM. */
  load(source: string, address = RAM): this {
    const { bytes } = assemble(source, { xlen: this.#xlen, origin: BigInt(address), csrs: CSR_NUMBERS });
    this.bytes.set(bytes, this.hostOf(address));
    return this;
  }

  /** Starts vCPU 0 at the beginning of RAM and serves the first pCPU until the domain ends. */
  run(): this {
    this.start();
    this.pcpus[0]?.run();
    return this;
  }

  start(address = RAM, index = 0): void {
    const vcpu = this.vcpus[index] as Vcpu;
    vcpu.hsm = HSM.startPending;
    vcpu.setStart(address | 0, 0, 0, 0);
    enqueueStarted(vcpu, this.scheduler);
  }

  ticks(): number {
    this.onLook();
    if (++this.#looks > LONGEST) throw new Error('the domain does not end');
    this.now += this.#step;
    return this.now;
  }

  hostOf(address: number): number {
    return this.ram.offsetOf(address, 0);
  }

  read64(address: number): bigint {
    return new DataView(this.memory.buffer).getBigInt64(this.hostOf(address), true);
  }

  end(reason: NonNullable<DomainBed['ended']>): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    for (const vcpu of this.vcpus) vcpu.kick();
    this.scheduler.announce(this.pcpus.length);
  }

  #makeHart(area: number, index: number): Hart {
    const hart = new Hart({
      ram: this.ram,
      xlen: this.#xlen,
      interpreter: interpreter(this.#xlen),
      area,
      codePages: this.plan.codePages,
      devices: { read: () => false, write: () => false, low: 0, high: 0 },
      platform: {
        ticks: () => this.ticks(),
        lines: () => 0,
        guestExternalLines: () => {
          const vcpu = this.pcpus[index]?.current ?? -1;
          return this.lines[vcpu] === true || this.files[vcpu]?.asserts() === true ? 2 : 0;
        },
        interruptFile: (number) => (number === 2 ? this.files[this.pcpus[index]?.current ?? -1] : undefined),
        fuelForTimer: () => this.pcpus[index]?.fuelForTimer() ?? 0,
        runEnd: () => this.pcpus[index]?.runEnd ?? 0,
        watchTicks: () => this.pcpus[index]?.watchTicks() ?? 0,
        takeLook: () => this.pcpus[index]?.takeLook() === true,
      },
      guestExternalInterrupts: 1,
      aia: this.#aia ? 'aplic-imsic' : 'none',
      extensions: new Set(allExtensions(this.#xlen)),
      hartId: index,
      hsHost: true,
      exitRequest: this.vcpu.exitRequest,
    });
    openToGuests(hart, true);
    return hart;
  }

  #makeDomain(): PcpuDomain {
    const bed = this;
    return {
      vcpus: this.vcpus,
      scheduler: this.scheduler,
      events: this.events,
      pausing: false,
      stand: () => undefined,
      get running() {
        return bed.ended === undefined;
      },
      ticks: () => this.ticks(),
      interruptFile: (vcpu) => (bed.#aia ? bed.files[vcpu]?.place : undefined),
      start: (vcpu) => enqueueStarted(vcpu, this.scheduler),
      end: (reason) => this.end(reason),
      stuck: (why) => {
        this.stuck = why;
        this.end('stuck');
      },
      memory: this.ram,
      consoleWrite: (bytes) => {
        const taken = bytes.subarray(0, this.room);
        this.output += String.fromCharCode(...taken);
        return taken.length;
      },
      consoleRead: (most) => {
        const text = this.input.slice(0, most);
        this.input = this.input.slice(most);
        return new TextEncoder().encode(text);
      },
      consolePut: (byte) => {
        if (this.room === 0) return false;
        this.output += String.fromCharCode(byte);
        return true;
      },
    };
  }
}

/** An instruction a tick, whatever the clock of a test says. */
class SteadyPace extends Pace {
  override instructionsIn(ticks: number): number {
    return Math.max(100, Math.min(ticks, 20_000));
  }
}

/** Lets time pass where a pCPU would sleep. */
class PatientScheduler extends Scheduler {
  readonly #pass: (ticks: number) => void;

  constructor(words: Int32Array, vcpus: number, pass: (ticks: number) => void) {
    super(words, vcpus);
    this.#pass = pass;
  }

  override sleep(sequence: number, milliseconds: number): void {
    if (this.sequence !== sequence) return;
    if (milliseconds >= 60_000) throw new Error('everybody sleeps, and nobody would wake anybody up');
    this.#pass(milliseconds * 10_000);
  }
}

/** Ends the domain: SBI shutdown, with `reason`. */
export const SHUTDOWN = `
  li a7, 0x53525354; li a6, 0; li a0, 0; li a1, 0
  ecall
1: j 1b
`;

/** Loads a vCPU that was dispatched, as its loop does. @returns what `Vcpu.loadRegisters` does */
export function loadVcpu(vcpu: Vcpu, hart: Hart, pcpu: number): boolean {
  vcpu.interrupts.load(pcpu);
  vcpu.count('loads');
  return vcpu.loadRegisters(hart, pcpu);
}

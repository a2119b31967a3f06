import { type BootPlan, planBoot } from '../../boot/boot-plan.ts';
import { enqueueStarted } from '../../hypervisor/enqueue-started.ts';
import type { Scheduler } from '../../hypervisor/scheduler.ts';
import type { Vcpu } from '../../hypervisor/vcpu.ts';
import { HSM, STAT } from '../../hypervisor/vcpu-layout.ts';
import type { Recorder } from '../../trace/recorder.ts';
import type { GuestClock } from '../clock.ts';
import { cpuOf } from '../cpu.ts';
import { DebugWords } from '../debug/debug-words.ts';
import type { InspectedMachine, Inspector } from '../debug/inspector.ts';
import { describeMachine } from '../describe.ts';
import type { MachineDraft, Processors, VcpuStats } from '../kind.ts';
import { type DomainPlan, planMachine, settingOf } from '../plan.ts';
import type { PcpuStart, ThreadStart } from '../thread.ts';
import type { DomainConfig } from './config.ts';
import { createEvents, createScheduler, createVcpus } from './vcpus.ts';

/**
 * Plans a guest of the hypervisor.
 *
 * @throws InputError when the kernel, initrd and device tree do not fit into memory
 * @throws RangeError for numbers out of range
 */
export function draftDomain(config: DomainConfig): MachineDraft {
  const setting = settingOf({ ...config, cpus: config.vcpus });
  const boot = planBoot(config.kernel, config.initrd, describeMachine(setting, config));
  const plan = planMachine({ ...setting, kind: 'domain', pcpus: config.pcpus, ramBytes: config.memoryBytes });
  // Other programs that are started as kernels may want all processors from their first instruction on.
  const heldBack = config.kernel.kind === 'image' ? 'boot' : undefined;
  const options = { ...config, ...cpuOf(config), heldBack } as const;
  const create: MachineDraft['create'] = (memory, clock, trace) => {
    const domain = new Domain(options, plan, memory, clock, trace);
    domain.begin(boot);
    return domain;
  };
  return { plan, boot, own: { kind: 'domain', protocol: config.protocol }, create };
}

/** The facts of a domain that are not in its plan. */
export interface DomainOptions extends Pick<PcpuStart, 'protocol' | 'xlen' | 'extensions' | 'heldBack'> {
  readonly debug?: boolean;
  readonly cpuLimit?: number | undefined;
}

/** The processors of a domain that was saved, over memory in which their state is. */
export function restoredDomain(
  options: DomainOptions,
  plan: DomainPlan,
  memory: WebAssembly.Memory,
  clock: GuestClock,
  trace: Recorder | undefined,
): Processors {
  return new Domain({ ...options, heldBack: 'restored' }, plan, memory, clock, trace);
}

class Domain implements Processors {
  readonly #options: DomainOptions;
  readonly #memory: WebAssembly.Memory;
  readonly #plan: DomainPlan;
  readonly #scheduler: Scheduler;
  readonly #vcpus: readonly Vcpu[];

  constructor(
    options: DomainOptions,
    plan: DomainPlan,
    memory: WebAssembly.Memory,
    clock: GuestClock,
    trace: Recorder | undefined,
  ) {
    this.#options = options;
    this.#plan = plan;
    this.#memory = memory;
    this.#scheduler = createScheduler({ memory, plan });
    this.#vcpus = createVcpus(
      { ...options, memory, plan, debug: false },
      this.#scheduler,
      () => clock.ticks(),
      () => false,
      { trace },
    );
  }

  /** Puts a new domain into the state it starts in, in which the first vCPU is about to begin. */
  begin(boot: Pick<BootPlan, 'entry' | 'deviceTreeAddress'>): void {
    for (const vcpu of this.#vcpus) vcpu.reset();
    createEvents({ memory: this.#memory, plan: this.#plan }).reset();
    this.#startFirst(boot);
  }

  kick(hart: number): void {
    this.#vcpus[hart]?.kick();
  }

  wakeAll(): void {
    for (const vcpu of this.#vcpus) vcpu.kick();
    this.#scheduler.announce(this.#plan.pcpus);
  }

  stats(): readonly VcpuStats[] {
    return this.#vcpus.map(
      (vcpu) => Object.fromEntries(STAT.map((name) => [name, vcpu.stat(name)])) as VcpuStats,
    );
  }

  /** A vCPU that no pCPU runs has its registers in its area. */
  registers(): readonly [] {
    return [];
  }

  async inspect(machine: InspectedMachine): Promise<Inspector> {
    const { inspectVcpus } = await import('./inspector.ts');
    const plan = this.#plan;
    const debug = new DebugWords(machine.memory, plan.debug, plan.cpus);
    return inspectVcpus({ plan, vcpus: this.#vcpus, scheduler: this.#scheduler, debug }, machine);
  }

  startOf(thread: ThreadStart): PcpuStart {
    const { protocol, debug = false, heldBack, cpuLimit = this.#plan.pcpus } = this.#options;
    const share = cpuLimit / this.#plan.pcpus;
    const cpuShare = share < 1 ? share : undefined;
    return { ...thread, kind: 'domain', plan: this.#plan, protocol, debug, heldBack, cpuShare };
  }

  #startFirst({ entry, deviceTreeAddress }: Pick<BootPlan, 'entry' | 'deviceTreeAddress'>): void {
    const [first] = this.#vcpus;
    if (first === undefined) throw new RangeError('a domain has at least one vCPU');
    first.hsm = HSM.startPending;
    first.setStart(
      entry | 0,
      Math.floor(entry / 2 ** 32),
      deviceTreeAddress | 0,
      Math.floor(deviceTreeAddress / 2 ** 32),
    );
    enqueueStarted(first, this.#scheduler);
  }
}

import { type BootPlan, planBoot } from '../../boot/boot-plan.ts';
import { enqueueStarted } from '../../hypervisor/enqueue-started.ts';
import type { Scheduler } from '../../hypervisor/scheduler.ts';
import type { Vcpu } from '../../hypervisor/vcpu.ts';
import { HSM, STAT } from '../../hypervisor/vcpu-layout.ts';
import type { GuestClock } from '../clock.ts';
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
  return { plan, boot, create: (memory, clock) => new Domain(config, plan, memory, boot, clock) };
}

class Domain implements Processors {
  readonly #config: DomainConfig;
  readonly #plan: DomainPlan;
  readonly #scheduler: Scheduler;
  readonly #vcpus: readonly Vcpu[];

  constructor(
    config: DomainConfig,
    plan: DomainPlan,
    memory: WebAssembly.Memory,
    boot: Pick<BootPlan, 'entry' | 'deviceTreeAddress'>,
    clock: GuestClock,
  ) {
    this.#config = config;
    this.#plan = plan;
    this.#scheduler = createScheduler({ memory, plan });
    this.#vcpus = createVcpus(
      { memory, plan, protocol: config.protocol, debug: false, xlen: config.xlen ?? 64 },
      this.#scheduler,
      () => clock.ticks(),
      () => false,
    );
    for (const vcpu of this.#vcpus) vcpu.reset();
    createEvents({ memory, plan }).reset();
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

  startOf(thread: ThreadStart): PcpuStart {
    const { protocol, debug = false } = this.#config;
    return { ...thread, kind: 'domain', plan: this.#plan, protocol, debug };
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

import type { BootPlan } from '../boot/boot-plan.ts';
import type { HartRegisters } from '../hart/saved-registers.ts';
import type { Stat } from '../hypervisor/vcpu-layout.ts';
import type { Recorder } from '../trace/recorder.ts';
import type { GuestClock } from './clock.ts';
import type { InspectedMachine, Inspector } from './debug/inspector.ts';
import type { MachinePlan } from './plan.ts';
import type { BareStart, PcpuStart, RunBare, ThreadStart } from './thread.ts';

/** Counters of one vCPU. */
export type VcpuStats = Readonly<Record<Stat, number>>;

/** The facts of a machine that only one kind has. */
export type OwnFacts =
  | { readonly kind: 'domain'; readonly protocol: string }
  | { readonly kind: 'bare'; readonly bare: RunBare };

/** A machine of one kind before it has memory. */
export interface MachineDraft {
  readonly plan: MachinePlan;
  /** The parts that go into RAM. */
  readonly boot: Pick<BootPlan, 'parts' | 'deviceTree'>;
  /** Facts for its threads beside the plan. */
  readonly own: OwnFacts;
  /** Of a machine that was saved: linear memory with its state; else there is none yet. */
  readonly memory?: WebAssembly.Memory;
  /** Makes its processors, once RAM is filled. */
  create(memory: WebAssembly.Memory, clock: GuestClock, trace: Recorder | undefined): Processors;
}

/** The processors of a machine of any kind, on the thread that owns it. */
export interface Processors {
  /** Makes a processor of the guest look at its interrupts. */
  kick(hart: number): void;
  /** Makes all threads leave guest code and sleep, and look around. */
  wakeAll(): void;
  /** The counters of each vCPU so far; a bare machine has none. */
  stats(): readonly VcpuStats[];
  /** A copy of all registers that are not in shared memory while the machine stands still, by processor. */
  registers(): readonly HartRegisters[];
  /** Lets a debugger look at the processors while the machine stands still. */
  inspect(machine: InspectedMachine): Promise<Inspector>;
  /** All that a thread starts with. */
  startOf(thread: ThreadStart): PcpuStart | BareStart;
}

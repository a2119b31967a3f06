import { describeMachine } from '../describe.ts';
import type { MachineDraft, Processors, VcpuStats } from '../kind.ts';
import { type BarePlan, planMachine, settingOf } from '../plan.ts';
import type { BareStart, RunBare, ThreadStart } from '../thread.ts';
import { planBare } from './boot.ts';
import type { BareConfig } from './config.ts';
import { HartWords } from './hart-words.ts';

/**
 * Plans a bare machine.
 *
 * @throws InputError when what starts does not fit into memory
 * @throws RangeError for numbers out of range
 */
export function draftBareMachine(config: BareConfig): MachineDraft {
  const setting = settingOf({ ...config, cpus: config.harts });
  const boot = planBare(config.program, describeMachine(setting, config));
  const plan = planMachine({ ...setting, kind: 'bare', pcpus: config.harts, ramBytes: config.memoryBytes });
  return { plan, boot, create: (memory) => new BareMachine(plan, memory, boot.bare) };
}

class BareMachine implements Processors {
  readonly #plan: BarePlan;
  readonly #harts: readonly HartWords[];
  readonly #start: RunBare;

  constructor(plan: BarePlan, memory: WebAssembly.Memory, start: RunBare) {
    this.#plan = plan;
    this.#harts = HartWords.ofAll(memory, plan.hartWords);
    this.#start = start;
  }

  kick(hart: number): void {
    this.#harts[hart]?.kick();
  }

  wakeAll(): void {
    for (const hart of this.#harts) hart.kick();
  }

  stats(): readonly VcpuStats[] {
    return [];
  }

  startOf(thread: ThreadStart): BareStart {
    return { ...thread, kind: 'bare', plan: this.#plan, bare: this.#start };
  }
}

import { copyRegisters, type HartRegisters } from '../../hart/saved-registers.ts';
import type { InspectedMachine, Inspector } from '../debug/inspector.ts';
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
 * @throws InputError when the program does not fit into memory
 * @throws RangeError for numbers out of range
 */
export function draftBareMachine(config: BareConfig): MachineDraft {
  const setting = settingOf({ ...config, cpus: config.harts });
  const boot = planBare(config.program, describeMachine(setting, config));
  const plan = planMachine({ ...setting, kind: 'bare', pcpus: config.harts, ramBytes: config.memoryBytes });
  const own = { kind: 'bare', bare: boot.bare } as const;
  return { plan, boot, own, create: (memory) => new BareMachine(plan, memory, boot.bare) };
}

/** The harts of a bare machine that was saved. @param registers of each of them */
export function restoredBareMachine(
  plan: BarePlan,
  memory: WebAssembly.Memory,
  bare: RunBare,
  registers: readonly HartRegisters[],
): Processors {
  return new BareMachine(plan, memory, bare, registers);
}

class BareMachine implements Processors {
  readonly #plan: BarePlan;
  readonly #memory: WebAssembly.Memory;
  readonly #harts: readonly HartWords[];
  readonly #start: RunBare;
  readonly #registers: readonly HartRegisters[];

  constructor(
    plan: BarePlan,
    memory: WebAssembly.Memory,
    start: RunBare,
    registers: readonly HartRegisters[] = [],
  ) {
    this.#plan = plan;
    this.#memory = memory;
    this.#harts = HartWords.ofAll(memory, plan.hartWords);
    this.#start = start;
    this.#registers = registers;
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

  registers(): readonly HartRegisters[] {
    return this.#plan.harts.map((area) => copyRegisters(this.#memory, area));
  }

  async inspect(machine: InspectedMachine): Promise<Inspector> {
    const { inspectHarts } = await import('./inspector.ts');
    return inspectHarts(this.#plan, machine);
  }

  startOf(thread: ThreadStart): BareStart {
    const registers = this.#registers[thread.index];
    return {
      ...{ ...thread, kind: 'bare', plan: this.#plan, bare: this.#start },
      ...(registers === undefined ? {} : { registers }),
    };
  }
}

import { GuestMemory } from '../../memory/guest-memory.ts';
import { type MachinePlan, memoryFor, planMachine, settingOf } from '../plan.ts';
import { copyPagesInUse } from './ram-pages.ts';
import type { SavedMachine } from './saved-machine.ts';
import { stateParts } from './state-parts.ts';

/** The same machine on so many threads. A bare machine has one for each of its harts, regardless of the wish. */
export function planOnThreads(plan: MachinePlan, pcpus: number = plan.pcpus): MachinePlan {
  const { kind, cpus, ram } = plan;
  if (kind === 'domain' && !(Number.isInteger(pcpus) && pcpus >= 1 && pcpus <= cpus))
    throw new RangeError(`a domain with ${cpus} vCPUs runs on 1 to ${cpus} threads, not ${pcpus}`);
  const threads = kind === 'bare' ? cpus : pcpus;
  return planMachine({ ...settingOf(plan), kind, pcpus: threads, ramBytes: ram.size });
}

/**
 * A copy of a paused machine, which takes no memory for pages of zeroes.
 *
 * @param pcpus threads of a domain; as many as before unless it is given
 */
export function copyMachine(saved: SavedMachine, pcpus?: number): SavedMachine {
  const plan = planOnThreads(saved.plan, pcpus);
  const memory = memoryFor(plan);
  const from = stateParts(saved.plan);
  for (const [index, { at, bytes }] of stateParts(plan).entries()) {
    const source = new Uint8Array(saved.memory.buffer, from[index].at, bytes);
    new Uint8Array(memory.buffer, at, bytes).set(source);
  }
  const ramOf = (of: WebAssembly.Memory, { ram }: MachinePlan) => new GuestMemory(of, ram).asWords();
  copyPagesInUse(ramOf(saved.memory, saved.plan), ramOf(memory, plan));
  const { deviceTree, registers, hot, kept } = saved;
  return {
    ...saved,
    ...{ plan, memory },
    deviceTree: deviceTree.slice(),
    registers: registers.map((each) => each.slice()),
    hot: hot.slice(),
    kept: kept.map((each) => ({ ...each, bytes: each.bytes.slice() })),
  };
}

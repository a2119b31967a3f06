import { startVcpu } from '../interrupts/run-state.ts';
import type { Scheduler } from './scheduler.ts';
import type { Vcpu } from './vcpu.ts';

/** Starts a vCPU that HSM has claimed: it waits for a pCPU from now on. */
export function enqueueStarted(vcpu: Vcpu, scheduler: Scheduler): void {
  if (!startVcpu(vcpu.interrupts.words)) throw new Error(`vCPU ${vcpu.index} was not stopped`);
  scheduler.enqueue(vcpu.index);
}

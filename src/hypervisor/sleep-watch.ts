import { runState } from '../interrupts/run-state.ts';
import { RunState, type VcpuWords } from '../interrupts/words.ts';
import { TICKS_PER_MS } from '../time/ticks.ts';
import type { Scheduler } from './scheduler.ts';

/** The longest sleep of an idle pCPU in milliseconds; it is woken for everything that happens. */
export const LONGEST_SLEEP = 60_000;

/** A vCPU, as far as it may sleep until its timer is due. */
export interface Sleeper {
  readonly interrupts: { readonly words: VcpuWords };
  /** Ticks at which its timer is due, Infinity if never. Stored before the vCPU is published as blocked. */
  readonly sleepDeadline: number;
  kick(): void;
}

/**
 * Wakes the vCPUs of a domain that sleep when their timers are due.
 *
 * Every pCPU that runs a guest watches over all sleepers, and so does one of those that sleep, until the earliest
 * deadline that it knew then. The pCPU that puts a vCPU to sleep knows the deadline of that one: it leaves the watch to
 * another one only if that one wakes up no later, and looks then.
 */
export class SleepWatch {
  readonly #vcpus: readonly Sleeper[];
  readonly #ticks: () => number;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(vcpus: readonly Sleeper[], ticks: () => number) {
    this.#vcpus = vcpus;
    this.#ticks = ticks;
  }

  /** Ticks at which the first of the sleepers must be woken, as the last {@link look} found it. */
  get wakeAt(): number {
    return this.#wakeAt;
  }

  /** Sleeps until {@link wakeAt}, or leaves that to another pCPU; looks around after a while anyway. */
  sleep(scheduler: Scheduler, sequence: number): void {
    const left = this.#wakeAt - this.#ticks();
    const milliseconds = Math.max(0, Math.min(left / TICKS_PER_MS, LONGEST_SLEEP));
    if (left > LONGEST_SLEEP * TICKS_PER_MS) scheduler.sleep(sequence, milliseconds);
    else scheduler.sleepUntil(sequence, this.#wakeAt, milliseconds);
  }

  look(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const vcpu of this.#vcpus) {
      if (runState(vcpu.interrupts.words) === RunState.BLOCKED) next = Math.min(next, vcpu.sleepDeadline);
    }
    this.#wakeAt = next;
  }

  /** Wakes the vCPUs whose timers are due, and looks when the next one is. */
  wakeDue(): void {
    const now = this.#ticks();
    for (const vcpu of this.#vcpus) {
      if (runState(vcpu.interrupts.words) === RunState.BLOCKED && vcpu.sleepDeadline <= now) vcpu.kick();
    }
    this.look();
  }
}

/**
 * One look of a pCPU for a vCPU to run.
 *
 * @param goesOn false when the domain has ended or is paused: there is no sleep then
 * @returns the number of the vCPU; -1 if there was none, also after a sleep
 */
export function nextVcpu(scheduler: Scheduler, watch: SleepWatch, goesOn: () => boolean): number {
  // Read first: a vCPU queued, a pause or an end after this ends the sleep below.
  const { sequence } = scheduler;
  const vcpu = scheduler.dequeueAfter(() => watch.wakeDue());
  if (vcpu < 0 && goesOn()) watch.sleep(scheduler, sequence);
  return vcpu;
}

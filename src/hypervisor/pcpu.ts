import { CAUSE, EXIT, type Exit, type Hart } from '../hart/index.ts';
import { CSR } from '../hart/layout.ts';
import { dispatchVcpu, runState, startVcpu, takeRequests } from '../interrupts/run-state.ts';
import { RunState } from '../interrupts/words.ts';
import type { Pace } from './pace.ts';
import { dispatchSbi, SbiCall, type SbiDomain } from './sbi/index.ts';
import type { Scheduler } from './scheduler.ts';
import { type Vcpu, VSEIP, VSSIP, VSTIP } from './vcpu.ts';
import { HSM, REQUEST } from './vcpu-layout.ts';

/** How long a vCPU may keep its pCPU while others wait, in ticks of 10 MHz. */
const TIME_SLICE = 60_000;
/** The longest stay in the guest, in ticks: V8 replaces the running code only when `run` returns. */
const LONGEST_RUN = 50_000;
/** The longest sleep of an idle pCPU in milliseconds; it is woken for everything that happens. */
const LONGEST_SLEEP = 60_000;
const TICKS_PER_MS = 10_000;
/** WFI: the one instruction that a guest is stopped at by hstatus.VTW. */
const WFI = 0x1050_0073;

/** What a pCPU works for, as its thread sees it. */
export interface PcpuDomain extends SbiDomain {
  readonly scheduler: Scheduler;
  /** False once the domain has ended. */
  readonly running: boolean;
  ticks(): number;
}

/**
 * One pCPU: a thread with one hart that runs the vCPUs of a domain, one at a time.
 *
 * ```text
 * take a vCPU · load · { requests · enter · flush · guest · exit · sync · handle } · save and block, yield or stop
 * ```
 */
export class Pcpu {
  readonly #index: number;
  readonly #hart: Hart;
  readonly #domain: PcpuDomain;
  readonly #pace: Pace;
  #current: Vcpu | undefined;

  constructor(index: number, hart: Hart, domain: PcpuDomain, pace: Pace) {
    this.#index = index;
    this.#hart = hart;
    this.#domain = domain;
    this.#pace = pace;
  }

  /** Number of the vCPU that is loaded, -1 if none is. */
  get current(): number {
    return this.#current?.index ?? -1;
  }

  /** Runs vCPUs until the domain ends. */
  run(): void {
    const { scheduler } = this.#domain;
    while (this.#domain.running) {
      const sequence = scheduler.sequence;
      const wait = this.#wakeSleepers();
      const index = scheduler.dequeue();
      if (index < 0) {
        if (this.#domain.running) scheduler.sleep(sequence, wait);
        continue;
      }
      const vcpu = this.#domain.vcpus[index];
      if (vcpu === undefined || !dispatchVcpu(vcpu.interrupts.words)) continue;
      this.#current = vcpu;
      this.#serve(vcpu);
      this.#current = undefined;
    }
  }

  /** Wakes the vCPUs whose timer is due. @returns milliseconds until the next one is. */
  #wakeSleepers(): number {
    const now = this.#domain.ticks();
    let next = Number.POSITIVE_INFINITY;
    for (const { interrupts, sleepDeadline } of this.#domain.vcpus) {
      if (runState(interrupts.words) !== RunState.BLOCKED) continue;
      if (sleepDeadline <= now) interrupts.kick();
      else next = Math.min(next, sleepDeadline);
    }
    return Math.min((next - now) / TICKS_PER_MS, LONGEST_SLEEP);
  }

  /** Runs one vCPU until it gives up its pCPU. */
  #serve(vcpu: Vcpu): void {
    const hart = this.#hart;
    if (vcpu.changeHsm(HSM.startPending, HSM.started)) vcpu.applyStart();
    if (vcpu.load(hart, this.#index)) {
      hart.flushTranslations();
      hart.fenceI();
    }
    const sliceEnd = this.#domain.ticks() + TIME_SLICE;
    for (;;) {
      this.#carryOutRequests(vcpu);
      if (!this.#domain.running) return this.#giveUp(vcpu);
      const outcome = this.#handle(vcpu, this.#enter(vcpu));
      if (outcome === 'stop') return this.#stop(vcpu);
      if (outcome === 'sleep' && this.#sleep(vcpu)) return;
      if (this.#domain.ticks() >= sliceEnd && this.#othersWait()) return this.#giveUp(vcpu);
    }
  }

  #carryOutRequests(vcpu: Vcpu): void {
    const requests = takeRequests(vcpu.interrupts.words);
    if ((requests & REQUEST.fence) !== 0) this.#hart.flushTranslations();
    if ((requests & REQUEST.fenceI) !== 0) this.#hart.fenceI();
  }

  /** Runs the guest once: from the published entry to sync, nothing else happens on this pCPU. */
  #enter(vcpu: Vcpu): Exit | 'requests' {
    const hart = this.#hart;
    const { csr } = hart.state;
    const { interrupts } = vcpu;
    const fuel = this.#fuel(vcpu);
    hart.useExitRequest(vcpu.exitRequest);
    if (!interrupts.enterGuest()) return 'requests';
    interrupts.flushInterrupts();
    interrupts.checkHvipWrite();
    const before = csr[CSR.hvip] as number;
    csr[CSR.hvip] = interrupts.hvipLo;
    csr[CSR.hvip + 1] = interrupts.hvipHi;
    const started = hart.instructions;
    hart.resumeGuest();
    const exit = hart.run(fuel);
    interrupts.exitGuest();
    interrupts.syncInterrupts((csr[CSR.hvip] as number) >>> 0, (csr[CSR.hvip + 1] as number) >>> 0);
    this.#count(vcpu, before, hart.instructions - started);
    return exit;
  }

  /** Instructions until the guest's timer, a sleeper's timer or the end of the longest run, as fast as it ran lately. */
  #fuel(vcpu: Vcpu): number {
    const now = this.#domain.ticks();
    let end = Math.min(now + LONGEST_RUN, vcpu.runDeadline(this.#hart));
    for (const other of this.#domain.vcpus) {
      if (runState(other.interrupts.words) === RunState.BLOCKED) end = Math.min(end, other.sleepDeadline);
    }
    return this.#pace.start(now, end - now);
  }

  #count(vcpu: Vcpu, before: number, instructions: number): void {
    const flushed = vcpu.interrupts.hvipLo & ~before;
    this.#pace.finish(this.#domain.ticks(), instructions);
    vcpu.count('instructions', instructions);
    vcpu.count('exits');
    if ((flushed & VSSIP) !== 0) vcpu.count('flushedSoft');
    if ((flushed & VSTIP) !== 0) vcpu.count('flushedTimer');
    if ((flushed & VSEIP) !== 0) vcpu.count('flushedExternal');
    const { guestInterrupts } = this.#hart;
    vcpu.count('deliveredSoft', guestInterrupts[1]);
    vcpu.count('deliveredTimer', guestInterrupts[5]);
    vcpu.count('deliveredExternal', guestInterrupts[9]);
    guestInterrupts.fill(0);
  }

  #handle(vcpu: Vcpu, exit: Exit | 'requests'): 'go on' | 'sleep' | 'stop' {
    if (exit === 'requests') return 'go on';
    if (exit !== EXIT.trap) {
      vcpu.count('exitYield');
      this.#hart.interruptGuest();
      return 'go on';
    }
    const { csr } = this.#hart.state;
    const cause = csr[CSR.scause] as number;
    const isInterrupt = (csr[CSR.scause + 1] as number) < 0;
    if (isInterrupt) return 'go on';
    switch (cause) {
      case CAUSE.ecallFromVs:
        return this.#sbi(vcpu);
      case CAUSE.virtualInstruction:
        return this.#virtualInstruction(vcpu);
      default:
        vcpu.count('exitOther');
        this.#reflect(cause);
        return 'go on';
    }
  }

  #sbi(vcpu: Vcpu): 'go on' | 'sleep' | 'stop' {
    vcpu.count('exitSbi');
    const { state } = this.#hart;
    this.#skip(4);
    const call = new SbiCall(this.#hart, vcpu, this.#domain);
    dispatchSbi(call);
    if (call.outcome === 'stop') return 'stop';
    if (call.returns) {
      state.setX(10, call.error, call.error < 0 ? -1 : 0);
      state.setX(11, call.valueLow, call.valueHigh);
    }
    return call.outcome === 'sleep' ? 'sleep' : 'go on';
  }

  #virtualInstruction(vcpu: Vcpu): 'go on' | 'sleep' {
    const { csr } = this.#hart.state;
    if (csr[CSR.stval] === WFI) {
      vcpu.count('exitWfi');
      this.#skip(4);
      return 'sleep';
    }
    vcpu.count('exitVirtual');
    this.#reflect(CAUSE.illegalInstruction);
    return 'go on';
  }

  /** Gives the guest the exception that the host got, as its own hart would: what it tried does not exist for it. */
  #reflect(cause: number): void {
    this.#hart.reflectToGuest(cause === CAUSE.virtualInstruction ? CAUSE.illegalInstruction : cause);
  }

  #skip(bytes: number): void {
    const { csr } = this.#hart.state;
    const low = ((csr[CSR.sepc] as number) + bytes) | 0;
    if (low >= 0 && low < bytes) csr[CSR.sepc + 1] = (csr[CSR.sepc + 1] as number) + 1;
    csr[CSR.sepc] = low;
  }

  /** @returns true when the vCPU is no longer this pCPU's */
  #sleep(vcpu: Vcpu): boolean {
    vcpu.save(this.#hart);
    const result = vcpu.block();
    if (result === 'pending') return false;
    vcpu.count('sleeps');
    return true;
  }

  #stop(vcpu: Vcpu): void {
    vcpu.save(this.#hart);
    vcpu.interrupts.stop();
    vcpu.hsm = HSM.stopped;
  }

  #giveUp(vcpu: Vcpu): void {
    vcpu.save(this.#hart);
    vcpu.interrupts.yield();
    this.#domain.scheduler.enqueue(vcpu.index);
  }

  #othersWait(): boolean {
    this.#wakeSleepers();
    return this.#domain.scheduler.waiting > 0;
  }
}

/** Starts a vCPU that HSM has claimed: it waits for a pCPU from now on. */
export function enqueueStarted(vcpu: Vcpu, scheduler: Scheduler): void {
  if (!startVcpu(vcpu.interrupts.words)) throw new Error(`vCPU ${vcpu.index} was not stopped`);
  scheduler.enqueue(vcpu.index);
}

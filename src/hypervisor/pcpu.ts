import { CAUSE } from '../hart/exceptions.ts';
import type { Hart } from '../hart/index.ts';
import { CSR, EXIT, type Exit } from '../hart/layout.ts';
import { dispatchVcpu, runState, takeRequests } from '../interrupts/run-state.ts';
import { RunState } from '../interrupts/words.ts';
import { deliverEvent } from './deliver-event.ts';
import type { FirmwareEvent } from './firmware-state.ts';
import { delegateMisaligned, delegatesMisaligned } from './guest-environment.ts';
import { Pace } from './pace.ts';
import { dispatchSbi, SbiCall, type SbiDomain } from './sbi/index.ts';
import type { Scheduler } from './scheduler.ts';
import { beginSteal, endSteal } from './steal-time.ts';
import { describeStuck, STUCK_AFTER } from './stuck.ts';
import { type Vcpu, VSEIP, VSSIP, VSTIP } from './vcpu.ts';
import { HSM, REQUEST } from './vcpu-layout.ts';

/** How long a vCPU may keep its pCPU while others wait, in ticks of 10 MHz. */
const TIME_SLICE = 40_000;
/** The longest stay in the guest, in ticks: V8 replaces the running code only when `run` returns. */
const LONGEST_RUN = 50_000;
/** The longest sleep of an idle pCPU in milliseconds; it is woken for everything that happens. */
const LONGEST_SLEEP = 60_000;
const TICKS_PER_MS = 10_000;
/** How long a guest may watch memory for the answer of another vCPU, in ticks, before others get its pCPU. */
const LONGEST_WATCH = 200;
/** How long a guest may wait for another vCPU, in ticks, before its thread rests. */
const LONGEST_AWAKE = 500;
/** WFI: the one instruction that a guest is stopped at by hstatus.VTW. */
const WFI = 0x1050_0073;
/** WRS.NTO, with which Linux waits in its spinlocks. */
const WRS_NTO = 0x00d0_0073;
/** hstatus.SPVP: the trap came from VS-mode, not VU-mode. */
const SPVP = 1 << 8;
/** Guest-page faults cannot come up without G-stage translation; a guest would know them as access faults. */
const AS_ACCESS_FAULT: ReadonlyMap<number, number> = new Map([
  [CAUSE.fetchGuestPageFault, CAUSE.fetchAccess],
  [CAUSE.loadGuestPageFault, CAUSE.loadAccess],
  [CAUSE.storeGuestPageFault, CAUSE.storeAccess],
]);

/** What the SBI counts of those exceptions that reach the hypervisor. */
const AS_FIRMWARE_EVENT: ReadonlyMap<number, FirmwareEvent> = new Map([
  [CAUSE.loadMisaligned, 'misalignedLoad'],
  [CAUSE.storeMisaligned, 'misalignedStore'],
  [CAUSE.illegalInstruction, 'illegalInstruction'],
]);

/** What becomes of the vCPU after an exit. */
type Outcome = 'go on' | 'relax' | 'sleep' | 'suspend' | 'stop';

/** What a pCPU works for, as its thread sees it. */
export interface PcpuDomain extends SbiDomain {
  readonly scheduler: Scheduler;
  ticks(): number;
  /** Ends the domain because its guest can make no progress; `why` is for people. */
  stuck(why: string): void;
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
  /** One for each vCPU: a guest that looks at the clock all the time runs at a tenth of another's speed. */
  readonly #paces: readonly Pace[];
  #current: Vcpu | undefined;
  /** Ticks at which the first of the sleeping vCPUs must be woken. */
  #wakeAt = Number.POSITIVE_INFINITY;
  /** Ticks at which the guest began to do nothing but wait for another vCPU. */
  #waitsSince = Number.POSITIVE_INFINITY;
  /** Ticks at which the current stay in the guest is to end. */
  #runEnd = 0;
  /** Exceptions of the hart that were looked at. */
  #traps = 0;

  constructor(index: number, hart: Hart, domain: PcpuDomain, newPace = () => new Pace()) {
    this.#index = index;
    this.#hart = hart;
    this.#domain = domain;
    this.#paces = domain.vcpus.map(() => newPace());
  }

  /** Number of the vCPU that is loaded, -1 if none is. */
  get current(): number {
    return this.#current?.index ?? -1;
  }

  /** Runs vCPUs until the domain ends. */
  run(): void {
    const { scheduler } = this.#domain;
    while (this.#domain.running) {
      // Read first: what is queued or ended after this ends the sleep below.
      const { sequence } = scheduler;
      this.#wakeSleepers();
      const index = scheduler.dequeue();
      if (index >= 0) this.#dispatch(index);
      else if (this.#domain.running) scheduler.sleep(sequence, this.#untilWake());
    }
  }

  /** Wakes the vCPUs whose timer is due, and notes when the next one is. */
  #wakeSleepers(): void {
    const now = this.#domain.ticks();
    for (const vcpu of this.#domain.vcpus) {
      if (runState(vcpu.interrupts.words) === RunState.BLOCKED && vcpu.sleepDeadline <= now) vcpu.kick();
    }
    this.#watchSleepers();
  }

  /**
   * Every pCPU watches over all sleepers: while it runs a guest and while it sleeps, until the earliest deadline that it
   * knew then. Whoever puts a vCPU to sleep knows that one's deadline, so there is always a pCPU that does.
   */
  #watchSleepers(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { interrupts, sleepDeadline } of this.#domain.vcpus) {
      if (runState(interrupts.words) === RunState.BLOCKED) next = Math.min(next, sleepDeadline);
    }
    this.#wakeAt = next;
  }

  /** Milliseconds until a sleeper must be woken. */
  #untilWake(): number {
    return Math.max(0, Math.min((this.#wakeAt - this.#domain.ticks()) / TICKS_PER_MS, LONGEST_SLEEP));
  }

  #dispatch(index: number): void {
    const vcpu = this.#domain.vcpus[index];
    if (vcpu === undefined || !dispatchVcpu(vcpu.interrupts.words)) {
      throw new Error(`vCPU ${index} was on the run queue, but is not runnable`);
    }
    this.#current = vcpu;
    this.#serve(vcpu);
    this.#current = undefined;
  }

  /** Runs one vCPU until it gives up its pCPU. */
  #serve(vcpu: Vcpu): void {
    if (vcpu.changeHsm(HSM.startPending, HSM.started)) vcpu.applyStart();
    if (vcpu.load(this.#hart, this.#index)) this.#forget();
    if (vcpu.waiting && !this.#endsWait(vcpu)) return;
    const now = this.#domain.ticks();
    endSteal(vcpu.firmware, this.#domain, now);
    const sliceEnd = now + TIME_SLICE;
    while (this.#goOn(vcpu, sliceEnd));
  }

  #forget(): void {
    this.#hart.flushTranslations();
    this.#hart.fenceI();
  }

  /** One round of the vCPU loop. @returns false when the vCPU is no longer this pCPU's */
  #goOn(vcpu: Vcpu, sliceEnd: number): boolean {
    this.#carryOutRequests(vcpu);
    const outcome = this.#domain.running ? this.#handle(vcpu, this.#enter(vcpu, sliceEnd)) : 'give up';
    if (outcome === 'stop') {
      this.#stop(vcpu);
      return false;
    }
    if ((outcome === 'sleep' || outcome === 'suspend') && this.#sleep(vcpu, outcome)) return false;
    this.#rest(outcome === 'relax');
    // A guest that spins for a lock leaves the rest of its slice to those who may hold it.
    if (outcome !== 'give up' && !this.#yields(outcome === 'relax' ? 0 : sliceEnd)) return true;
    this.#giveUp(vcpu);
    return false;
  }

  /** Who makes the guest wait may be waiting for a processor of this machine. */
  #rest(waits: boolean): void {
    if (!waits) {
      this.#waitsSince = Number.POSITIVE_INFINITY;
      return;
    }
    const now = this.#domain.ticks();
    this.#waitsSince = Math.min(this.#waitsSince, now);
    if (now - this.#waitsSince > LONGEST_AWAKE) this.#domain.scheduler.doze();
  }

  /** After each stay in the guest: sleepers are woken in time, and those who wait get their turn. */
  #yields(sliceEnd: number): boolean {
    const now = this.#domain.ticks();
    if (now >= this.#wakeAt) this.#wakeSleepers();
    return now >= sliceEnd && this.#domain.scheduler.waiting > 0;
  }

  /** @returns whether a software event was among them: the guest goes on in its handler */
  #carryOutRequests(vcpu: Vcpu): boolean {
    const requests = takeRequests(vcpu.interrupts.words);
    if ((requests & REQUEST.fence) !== 0) this.#hart.flushTranslations();
    if ((requests & REQUEST.fenceI) !== 0) this.#hart.fenceI();
    if ((requests & REQUEST.event) === 0) return false;
    return deliverEvent(this.#hart, vcpu.index, this.#domain.events);
  }

  /** Runs the guest once: from the published entry to sync, nothing else happens on this pCPU. */
  #enter(vcpu: Vcpu, sliceEnd: number): Exit | 'requests' {
    const hart = this.#hart;
    const { csr } = hart.state;
    const { interrupts } = vcpu;
    const fuel = this.#fuel(vcpu, sliceEnd);
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
    const instructions = hart.instructions - started;
    this.#count(vcpu, before, instructions);
    this.#watchProgress(vcpu, instructions);
    return exit;
  }

  /** Instructions until something is to be done, as fast as the guest ran lately. */
  #fuel(vcpu: Vcpu, sliceEnd: number): number {
    this.#watchSleepers();
    const now = this.#domain.ticks();
    const timer = vcpu.runDeadline(this.#hart);
    // A deadline in the past has done its work: the interrupt is pending, if the guest cares or not.
    const end = Math.min(now + LONGEST_RUN, this.#wakeAt, timer > now ? timer : Number.POSITIVE_INFINITY);
    const othersWait = this.#domain.scheduler.waiting > 0;
    this.#runEnd = othersWait ? Math.min(end, sliceEnd) : end;
    return this.#paces[vcpu.index].start(now, this.#runEnd - now);
  }

  /**
   * For the platform of the hart, within a run: instructions until the deadline that the guest has just set. One that has
   * passed needs nothing: the hart sees its interrupt.
   */
  fuelForTimer(): number {
    const vcpu = this.#current;
    if (vcpu === undefined) return 0;
    const deadline = vcpu.runDeadline(this.#hart);
    const ticks = deadline - this.#domain.ticks();
    if (ticks <= 0) return Number.POSITIVE_INFINITY;
    this.#runEnd = Math.min(this.#runEnd, deadline);
    return this.#paces[vcpu.index].instructionsIn(ticks);
  }

  /**
   * For the platform of the hart, within a run: ticks for which the guest may watch memory for another vCPU's answer. None
   * if that vCPU may be one that waits for this pCPU. What is spent here counts as no instructions, so it is bounded by
   * the time for the run.
   */
  watchTicks(): number {
    if (this.#domain.scheduler.waiting > 0) return 0;
    return Math.min(LONGEST_WATCH, this.#runEnd - this.#domain.ticks());
  }

  #count(vcpu: Vcpu, before: number, instructions: number): void {
    const flushed = vcpu.interrupts.hvipLo & ~before;
    this.#paces[vcpu.index].finish(this.#domain.ticks(), instructions);
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

  /** Ends the domain if the vCPU has done nothing but trap for long. */
  #watchProgress(vcpu: Vcpu, instructions: number): void {
    const { exceptionRow } = this.#hart;
    const barren = vcpu.noteProgress(instructions, exceptionRow.total - this.#traps, exceptionRow);
    this.#traps = exceptionRow.total;
    if (barren < STUCK_AFTER) return;
    const { csr } = this.#hart.state;
    const handler = { low: csr[CSR.vstvec] as number, high: csr[CSR.vstvec + 1] as number };
    this.#domain.stuck(
      describeStuck(`vCPU ${vcpu.index}`, vcpu.barrenOrigin, exceptionRow, 'stvec', handler),
    );
  }

  #handle(vcpu: Vcpu, exit: Exit | 'requests'): Outcome {
    if (exit === 'requests') return 'go on';
    if (exit !== EXIT.trap) {
      vcpu.count('exitYield');
      this.#hart.interruptGuest();
      return 'go on';
    }
    const { csr } = this.#hart.state;
    const cause = csr[CSR.scause] as number;
    switch (cause) {
      case CAUSE.ecallFromVs:
        return this.#sbi(vcpu);
      case CAUSE.virtualInstruction:
        return this.#virtualInstruction(vcpu);
      default:
        vcpu.count('exitOther');
        // A host interrupt needs nothing but the exit.
        if ((csr[CSR.scause + 1] as number) >= 0) this.#reflect(vcpu, AS_ACCESS_FAULT.get(cause) ?? cause);
        return 'go on';
    }
  }

  /**
   * Gives the guest an exception. One that it did not want to handle itself is a misaligned access that cannot be
   * carried out in parts (the hart does all others): it gets it all the same, as firmware would do.
   */
  #reflect(vcpu: Vcpu, cause: number): void {
    const event = AS_FIRMWARE_EVENT.get(cause);
    if (event !== undefined) vcpu.firmware.count(event);
    const delegated = delegatesMisaligned(this.#hart);
    delegateMisaligned(this.#hart, true);
    this.#hart.reflectToGuest(cause);
    delegateMisaligned(this.#hart, delegated);
  }

  #sbi(vcpu: Vcpu): Outcome {
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
    return call.outcome === 'return' ? 'go on' : call.outcome;
  }

  #virtualInstruction(vcpu: Vcpu): Outcome {
    const { csr } = this.#hart.state;
    const fromSupervisor = ((csr[CSR.hstatus] as number) & SPVP) !== 0;
    if (csr[CSR.stval] === WFI && fromSupervisor) {
      vcpu.count('exitWfi');
      this.#skip(4);
      return 'sleep';
    }
    vcpu.count('exitVirtual');
    if (csr[CSR.stval] === WRS_NTO) {
      this.#skip(4);
      return 'relax';
    }
    // What the guest tried does not exist on a hart without the hypervisor extension.
    this.#reflect(vcpu, CAUSE.illegalInstruction);
    return 'go on';
  }

  #skip(bytes: number): void {
    const { csr } = this.#hart.state;
    const low = ((csr[CSR.sepc] as number) + bytes) | 0;
    if (low >= 0 && low < bytes) csr[CSR.sepc + 1] = (csr[CSR.sepc + 1] as number) + 1;
    csr[CSR.sepc] = low;
  }

  /** @returns true when the vCPU is no longer this pCPU's */
  #sleep(vcpu: Vcpu, how: 'sleep' | 'suspend'): boolean {
    vcpu.save(this.#hart);
    vcpu.waiting = true;
    if (how === 'suspend') vcpu.hsm = HSM.suspended;
    // Counted before, because a vCPU that sleeps may be anybody's.
    vcpu.count('sleeps');
    if (vcpu.block() !== 'pending') return true;
    vcpu.count('sleeps', -1);
    this.#wakeUp(vcpu);
    return false;
  }

  /**
   * Kicks tell that something may have changed. Whether it is something to wake up for is decided here, so that an
   * interrupt that the guest has disabled, a remote fence or a stray kick leaves it asleep.
   *
   * @returns false when the vCPU sleeps on, and is no longer this pCPU's
   */
  #endsWait(vcpu: Vcpu): boolean {
    const hasEvent = this.#carryOutRequests(vcpu);
    if (!this.#domain.running) return true;
    if (hasEvent) {
      this.#noteAwake(vcpu);
      return true;
    }
    if (vcpu.block() !== 'pending') return false;
    this.#wakeUp(vcpu);
    return true;
  }

  /** After {@link Vcpu.block} said `pending`. */
  #wakeUp(vcpu: Vcpu): void {
    if (vcpu.reload(this.#hart, this.#index)) this.#forget();
    this.#noteAwake(vcpu);
  }

  #noteAwake(vcpu: Vcpu): void {
    vcpu.waiting = false;
    vcpu.changeHsm(HSM.suspended, HSM.started);
  }

  #stop(vcpu: Vcpu): void {
    vcpu.hsm = HSM.stopPending;
    vcpu.save(this.#hart);
    this.#domain.events.locked(() => this.#domain.events.forget(vcpu.index));
    vcpu.interrupts.stop();
    // Last: from here on another vCPU may start it.
    vcpu.hsm = HSM.stopped;
    if (this.#domain.running && this.#domain.vcpus.every(({ hsm }) => hsm === HSM.stopped)) {
      this.#domain.stuck('All vCPUs have stopped themselves, so none is left to start one again.');
    }
  }

  #giveUp(vcpu: Vcpu): void {
    vcpu.save(this.#hart);
    if (this.#domain.running) beginSteal(vcpu.firmware, this.#domain, this.#domain.ticks());
    vcpu.interrupts.yield();
    this.#domain.scheduler.enqueue(vcpu.index);
  }
}

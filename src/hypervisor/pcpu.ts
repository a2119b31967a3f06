import type { Hart } from '../hart/index.ts';
import { CSR, EXIT, type Exit } from '../hart/layout.ts';
import { Pace } from '../hart/pace.ts';
import { describeStuck, STUCK_AFTER } from '../hart/stuck.ts';
import type { FilePlace } from '../interrupts/interrupt-file.ts';
import { dispatchVcpu, exitRequested } from '../interrupts/run-state.ts';
import type { BlockResult } from '../interrupts/vcpu-interrupts.ts';
import { type LoopOutcome, type LoopPart, type LoopSurroundings, VcpuLoop } from '../interrupts/vcpu-loop.ts';
import type { Recorder } from '../trace/recorder.ts';
import { CounterOverflows } from './counter-overflow.ts';
import type { CpuQuota } from './cpu-quota.ts';
import { deliverEvent } from './deliver-event.ts';
import { ExitHandler } from './exit-handler.ts';
import type { SbiDomain } from './sbi/index.ts';
import type { Scheduler } from './scheduler.ts';
import { nextVcpu, SleepWatch } from './sleep-watch.ts';
import { StayRecord } from './stay-record.ts';
import { beginSteal, endSteal } from './steal-time.ts';
import { type Vcpu, VSEIP, VSSIP, VSTIP } from './vcpu.ts';
import type { VcpuDebug } from './vcpu-debug.ts';
import { HSM, REQUEST } from './vcpu-layout.ts';

/**
 * How long a vCPU may keep its pCPU while others wait, in ticks. A change of vCPUs costs some microseconds, and a vCPU
 * that was sent an interrupt waits for so long where there are twice as many vCPUs as pCPUs.
 */
const TIME_SLICE = 20_000;
/**
 * The longest stay in the guest, in ticks. V8 replaces the running code only when `run` returns, and a vCPU that has
 * become runnable meanwhile gets this pCPU no sooner.
 */
const LONGEST_RUN = 20_000;
/**
 * How often a guest may execute PAUSE, in a loop that waits for another vCPU, before the vCPUs that wait for its pCPU
 * get their turn: the other one may be among them. Hypervisors on processors with pause-loop exits do the same.
 */
const MOST_PAUSES = 128;
/**
 * The same where no vCPU waits for the pCPU. The other one runs on another thread of this machine, which may want this
 * processor for that, as may a compiler: a thread that spins takes it from them for milliseconds.
 */
const MOST_PAUSES_ALONE = 1024;
/** Instructions for each PAUSE of a guest that does nothing but wait. */
const PAUSING_ROUND = 32;
/**
 * A guest that has run for so many ticks may go on for long: its pCPU looks at timers between two stays only, and an
 * idle one keeps better time.
 */
const LONG_TURN = 10_000;
/** How long a guest may watch memory for the answer of another vCPU, in ticks, before others get its pCPU. */
const LONGEST_WATCH = 200;
/** How long a guest may wait for another vCPU, in ticks, before its thread rests. */
const LONGEST_AWAKE = 500;
/** Ticks that such a rest may take, with the time until the system has the thread go on. */
const LONGEST_REST = 2000;
/** Instructions between two looks of a guest that does nothing but wait. */
const WAITING_ROUND = 100;
/** The loaded vCPU's interrupt file is that of guest external interrupt 1 of the hart. */
const GUEST_FILE = 2;
/** The domain that a pCPU works for, as its thread sees it. */
export interface PcpuDomain extends SbiDomain {
  readonly scheduler: Scheduler;
  readonly debug?: VcpuDebug;
  /** The vCPUs are to leave their pCPUs for a while, which then {@link stand}. */
  readonly pausing: boolean;
  /** Where the interrupt file of a vCPU is, for generated code; undefined where it has none. */
  interruptFile?(vcpu: number): FilePlace | undefined;
  /** The share of a processor for this pCPU; all, if it is left out. */
  readonly quota?: CpuQuota | undefined;
  /** Records the pCPU's events, if it is traced. */
  readonly trace?: Recorder | undefined;
  /** Called between two vCPUs: stands still while the domain is paused, and rests when the quota is spent. */
  stand(): void;
  ticks(): number;
  /** Ends the domain because its guest can make no progress; `why` is for people. */
  stuck(why: string): void;
}

/** One pCPU: a thread with one hart that runs the vCPUs of a domain, one at a time, each in its {@link VcpuLoop}. */
export class Pcpu {
  readonly #index: number;
  readonly #hart: Hart;
  readonly #domain: PcpuDomain;
  /** One for each vCPU: a guest that looks at the clock all the time runs at a tenth of another's speed. */
  readonly #paces: readonly Pace[];
  readonly #loops: readonly VcpuLoop[];
  readonly #sleepers: SleepWatch;
  readonly #exits: ExitHandler;
  readonly #trace: Recorder | undefined;
  readonly #stays: StayRecord | undefined;
  #current: Vcpu | undefined;
  /** Ticks at which the guests of this pCPU began to do nothing but wait for another vCPU. */
  #waitsSince = Number.POSITIVE_INFINITY;
  /** Stays in guests that have waited for long, since the last rest. */
  #waiters = 0;
  /** PAUSE instructions for the stay in the guest. */
  #mostPauses = MOST_PAUSES;
  /** Ticks at which the current vCPU's time slice ends. */
  #sliceEnd = 0;
  /** Ticks at which the current stay in the guest is to end. */
  #runEnd = 0;
  /** The current vCPU has not entered its guest since it was loaded. */
  #isFresh = false;
  /** The vCPU has used up its slice while it looked for something to sleep for, and others wait. */
  #gives = false;
  readonly #overflows = new CounterOverflows();
  /** Instructions until a counter of the guest overflows, at the last entry. */
  #overflowLimit = Number.POSITIVE_INFINITY;
  /** Instructions for the stay in the guest that is prepared. */
  #fuel = 0;
  /** Bits that the last flush added to HVIP. */
  #flushed = 0;
  /** Why the guest was left, and instructions of that stay. */
  #exit: Exit = EXIT.trap;
  #ran = 0;
  /** The stay was a step of a debugger. */
  #steps = false;
  /** The vCPU has been awake, and its coming sleep is counted. */
  #fallsAsleep = false;
  /** Exceptions of the hart that were looked at. */
  #traps = 0;

  constructor(index: number, hart: Hart, domain: PcpuDomain, newPace = () => new Pace()) {
    this.#index = index;
    this.#hart = hart;
    this.#domain = domain;
    this.#trace = domain.trace;
    this.#stays = domain.trace && new StayRecord(domain.trace, hart);
    this.#paces = domain.vcpus.map(() => newPace());
    this.#loops = domain.vcpus.map((vcpu) => new VcpuLoop(this.#surroundings(vcpu)));
    this.#sleepers = new SleepWatch(domain.vcpus, () => domain.ticks());
    this.#exits = new ExitHandler(hart, domain);
  }

  /** Number of the vCPU that is loaded, -1 if none is. */
  get current(): number {
    return this.#current?.index ?? -1;
  }

  /** Runs vCPUs until the domain ends. */
  run(): void {
    while (this.#domain.running) {
      this.#domain.stand();
      const began = this.#trace?.now() ?? 0;
      const index = nextVcpu(this.#domain.scheduler, this.#sleepers, () => this.#goesOn);
      if (index < 0) this.#trace?.idle(began);
      else if (this.#domain.debug?.holds(index) === true) this.#domain.debug.park(index);
      else this.#dispatch(index);
    }
  }

  /** Guests may be entered: the domain has not ended and is not paused, and the quota is not spent. */
  get #goesOn(): boolean {
    return this.#domain.running && !this.#hasToLeave;
  }

  get #hasToLeave(): boolean {
    return this.#domain.pausing || this.#domain.quota?.spent === true;
  }

  #dispatch(index: number): void {
    const vcpu = this.#domain.vcpus[index];
    if (vcpu === undefined || !dispatchVcpu(vcpu.interrupts.words)) {
      throw new Error(`vCPU ${index} was on the run queue, but is not runnable`);
    }
    const { quota } = this.#domain;
    this.#current = vcpu;
    quota?.begin();
    this.#serve(vcpu);
    quota?.end();
    if (quota?.spent === true) this.#entrust();
    this.#current = undefined;
  }

  /** This pCPU has no time for the timers of sleeping vCPUs, so one that is idle is to watch them. */
  #entrust(): void {
    if (this.#sleepers.wakeAt !== Number.POSITIVE_INFINITY) this.#domain.scheduler.entrust();
  }

  /** Runs one vCPU until it gives up its pCPU. */
  #serve(vcpu: Vcpu): void {
    this.#trace?.load(vcpu.index);
    if (vcpu.changeHsm(HSM.startPending, HSM.started)) vcpu.applyStart();
    vcpu.count('loads');
    this.#isFresh = true;
    // Before it looks for something to sleep for: the turn of the vCPU before it would be over.
    this.#sliceEnd = this.#domain.ticks() + TIME_SLICE;
    this.#gives = false;
    const loop = this.#loops[vcpu.index];
    for (let part: LoopPart = 'load'; part !== 'gone'; part = loop.step(part));
  }

  /** The surroundings of a vCPU's loop on this pCPU. */
  #surroundings(vcpu: Vcpu): LoopSurroundings {
    const { csr } = this.#hart.state;
    const domain = this.#domain;
    const goesOn = () => this.#goesOn && !this.#gives;
    return {
      interrupts: vcpu.interrupts,
      pcpu: this.#index,
      get running() {
        return goesOn();
      },
      get hvipLo() {
        return (csr[CSR.hvip] as number) >>> 0;
      },
      get hvipHi() {
        return (csr[CSR.hvip + 1] as number) >>> 0;
      },
      get waiting() {
        return vcpu.waiting;
      },
      set waiting(waits) {
        vcpu.waiting = waits;
        if (!waits) vcpu.changeHsm(HSM.suspended, HSM.started);
      },
      prepareEntry: () => this.#prepareEntry(vcpu),
      writeHvip: (lo, hi) => {
        this.#flushed = lo & ~(csr[CSR.hvip] as number);
        csr[CSR.hvip] = lo;
        csr[CSR.hvip + 1] = hi;
        this.#stays?.flushed(vcpu.index, lo, this.#flushed);
      },
      runGuest: () => this.#runGuest(),
      carryOut: (requests) => this.#carryOut(vcpu, requests),
      handle: () => this.#handle(vcpu),
      saveRegisters: () => vcpu.save(this.#hart),
      loadRegisters: () => {
        this.#hart.useInterruptFile(GUEST_FILE, domain.interruptFile?.(vcpu.index));
        if (vcpu.loadRegisters(this.#hart, this.#index)) this.#forget();
      },
      block: () => this.#block(vcpu),
      queue: () => {
        this.#trace?.leave(vcpu.index, 'yield');
        domain.scheduler.enqueue(vcpu.index);
      },
      stopped: () => this.#stopped(vcpu),
    };
  }

  #forget(): void {
    this.#hart.flushTranslations();
    this.#hart.fenceI();
  }

  /**
   * Dozes when the guest, and those that took turns with it, have waited for long: the vCPU that they wait for may need
   * this processor of the host.
   */
  #rest(vcpu: Vcpu, waits: boolean): void {
    if (!waits) {
      this.#waitsSince = Number.POSITIVE_INFINITY;
      this.#waiters = 0;
      return;
    }
    const now = this.#domain.ticks();
    // An answer that the hart has watched for is no exit: the guest has done other things since the wait before.
    const round = this.#hart.pausedOften ? this.#mostPauses * PAUSING_ROUND : WAITING_ROUND;
    this.#waitsSince = this.#ran > round ? now : Math.min(this.#waitsSince, now);
    if (now - this.#waitsSince <= LONGEST_AWAKE) return;
    // Those in the queue get their turn first: one of them may have more to do than wait.
    if (this.#waiters++ < this.#domain.scheduler.waiting) return;
    const untilTimer = vcpu.runDeadline(this.#hart) - now;
    if (untilTimer >= 0 && untilTimer < LONGEST_REST) return;
    this.#waiters = 0;
    this.#domain.scheduler.doze();
  }

  /** After each stay in the guest: sleepers are woken in time, and waiting vCPUs get their turn. */
  #yields(sliceEnd: number): boolean {
    const now = this.#domain.ticks();
    if (now >= this.#sleepers.wakeAt) this.#sleepers.wakeDue();
    if (now >= this.#sliceEnd - TIME_SLICE + LONG_TURN) this.#entrust();
    return (now >= sliceEnd && this.#domain.scheduler.waiting > 0) || this.#hasToLeave;
  }

  /** @returns whether a software event was among them: the guest goes on in its handler */
  #carryOut(vcpu: Vcpu, requests: number): boolean {
    if ((requests & REQUEST.fence) !== 0) this.#hart.flushTranslations();
    if ((requests & REQUEST.fenceI) !== 0) this.#hart.fenceI();
    if ((requests & REQUEST.event) === 0) return false;
    return deliverEvent(this.#hart, vcpu.index, this.#domain.events);
  }

  #prepareEntry(vcpu: Vcpu): void {
    if (this.#isFresh) {
      endSteal(vcpu.firmware, this.#domain.memory, this.#domain.ticks());
      this.#isFresh = false;
    }
    this.#overflowLimit = vcpu.tellsOverflows
      ? this.#overflows.limit(this.#hart, vcpu.firmware)
      : Number.POSITIVE_INFINITY;
    this.#fuel = Math.min(this.#fuelFor(vcpu), this.#overflowLimit);
    this.#hart.useExitRequest(vcpu.exitRequest);
  }

  /**
   * Runs the guest until it is left: directly after HVIP was written, and nothing else before the loop takes it back.
   */
  #runGuest(): boolean {
    const hart = this.#hart;
    const started = hart.instructions;
    hart.resumeGuest();
    this.#steps = this.#domain.debug?.steps(this.current) === true;
    this.#exit = this.#steps ? hart.step() : hart.run(this.#fuel);
    this.#ran = hart.instructions - started;
    this.#stays?.left();
    return true;
  }

  /** Instructions until something is to be done, as fast as the guest ran lately. */
  #fuelFor(vcpu: Vcpu): number {
    this.#sleepers.look();
    const now = this.#domain.ticks();
    const timer = vcpu.runDeadline(this.#hart);
    // A deadline in the past has done its work: the interrupt is pending, if the guest cares or not.
    const end = Math.min(
      now + LONGEST_RUN,
      this.#sleepers.wakeAt,
      timer > now ? timer : Number.POSITIVE_INFINITY,
    );
    const othersWait = this.#domain.scheduler.waiting > 0;
    this.#mostPauses = othersWait ? MOST_PAUSES : MOST_PAUSES_ALONE;
    this.#hart.limitPauses(this.#mostPauses);
    this.#runEnd = othersWait ? Math.min(end, this.#sliceEnd) : end;
    return this.#paces[vcpu.index].start(now, this.#runEnd - now);
  }

  /**
   * For the platform of the hart, within a run: instructions until the deadline that the guest has just set. One that
   * has passed needs nothing: the hart sees its interrupt.
   */
  fuelForTimer(): number {
    const vcpu = this.#current;
    if (vcpu === undefined) return 0;
    this.#trace?.arm(vcpu.index);
    const deadline = vcpu.runDeadline(this.#hart);
    const ticks = deadline - this.#domain.ticks();
    if (ticks <= 0) return Number.POSITIVE_INFINITY;
    this.#runEnd = Math.min(this.#runEnd, deadline);
    return Math.min(this.#paces[vcpu.index].instructionsIn(ticks), this.#overflowLimit);
  }

  /** For the platform of the hart: ticks at which the run under way is to end. */
  get runEnd(): number {
    return this.#runEnd;
  }

  /** For the platform of the hart: its poll has found the exit request. @returns whether it may look and go on */
  takeLook(): boolean {
    return this.#current?.interrupts.takeLook() === true;
  }

  /** For the platform of the hart, for a trace: the guest has taken an interrupt. @param cause as vscause has it */
  noteTaken(cause: number): void {
    const vcpu = this.#current;
    if (vcpu === undefined) return;
    this.#stays?.taken(vcpu.index, cause, () => this.#domain.ticks() - vcpu.runDeadline(this.#hart));
  }

  /**
   * For the platform of the hart, within a run: ticks for which the guest may watch memory for another vCPU's answer.
   * None if that vCPU may be one that waits for this pCPU. The time spent here counts as no instructions, so it is
   * bounded by the time for the run.
   */
  watchTicks(): number {
    if (this.#domain.scheduler.waiting > 0) return 0;
    return Math.min(LONGEST_WATCH, this.#runEnd - this.#domain.ticks());
  }

  #count(vcpu: Vcpu): void {
    const flushed = this.#flushed;
    const instructions = this.#ran;
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
  #watchProgress(vcpu: Vcpu): void {
    const { exceptionRow } = this.#hart;
    const sinceProgress = vcpu.noteProgress(this.#ran, exceptionRow.total - this.#traps, exceptionRow);
    this.#traps = exceptionRow.total;
    if (sinceProgress < STUCK_AFTER) return;
    const { csr } = this.#hart.state;
    const handler = { low: csr[CSR.vstvec] as number, high: csr[CSR.vstvec + 1] as number };
    this.#domain.stuck(describeStuck(`vCPU ${vcpu.index}`, vcpu.rowOrigin, exceptionRow, 'stvec', handler));
  }

  #handle(vcpu: Vcpu): LoopOutcome {
    this.#stays?.end(vcpu.index, this.#exit);
    if (vcpu.tellsOverflows) this.#overflows.notice(this.#hart, vcpu);
    this.#count(vcpu);
    this.#watchProgress(vcpu);
    const outcome = this.#exits.handle(vcpu, this.#exit);
    const holds = this.#domain.debug?.ran(vcpu.index, this.#steps, this.#hart.stop) === true;
    if (outcome === 'stop') {
      vcpu.hsm = HSM.stopPending;
      this.#domain.events.locked(() => this.#domain.events.forget(vcpu.index));
      return 'stop';
    }
    // A debugger that steps over WFI finds it done.
    if (holds) return this.#giveUp(vcpu);
    if (outcome === 'suspend') vcpu.hsm = HSM.suspended;
    if (outcome === 'suspend' || outcome === 'sleep') {
      // Counted before, because a vCPU that sleeps may be anybody's.
      vcpu.count('sleeps');
      this.#fallsAsleep = true;
      return 'block';
    }
    const waits = outcome === 'relax';
    // A guest that spins for a lock leaves the rest of its slice to vCPUs that may hold it.
    const gives = this.#yields(waits ? 0 : this.#sliceEnd);
    this.#rest(vcpu, waits && !exitRequested(vcpu.interrupts.words));
    return gives ? this.#giveUp(vcpu) : 'enter';
  }

  #giveUp(vcpu: Vcpu): LoopOutcome {
    if (this.#domain.running) beginSteal(vcpu.firmware, this.#domain.memory, this.#domain.ticks());
    return 'yield';
  }

  #block(vcpu: Vcpu): BlockResult {
    this.#trace?.leave(vcpu.index, 'block', this.#hart.state.csr[CSR.hie] as number);
    const result = vcpu.block();
    if (result === 'pending') {
      this.#trace?.stayAwake(vcpu.index);
      if (this.#fallsAsleep) vcpu.count('sleeps', -1);
      // A guest that has interrupts off and waits in a loop finds one pending each time.
      this.#gives = this.#yields(this.#sliceEnd);
      if (this.#gives) beginSteal(vcpu.firmware, this.#domain.memory, this.#domain.ticks());
    }
    this.#fallsAsleep = false;
    return result;
  }

  #stopped(vcpu: Vcpu): void {
    this.#trace?.leave(vcpu.index, 'stop');
    // Last: from here on another vCPU may start it.
    vcpu.hsm = HSM.stopped;
    if (this.#domain.running && this.#domain.vcpus.every(({ hsm }) => hsm === HSM.stopped)) {
      this.#domain.stuck('All vCPUs have stopped themselves, so none is left to start one again.');
    }
  }
}

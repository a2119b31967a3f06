import { IRQ_VS_EXT, IRQ_VS_TIMER } from '../../interrupts/numbers.ts';
import { cancelBlock, waitForWake, wakeSequence } from '../../interrupts/run-state.ts';
import type { BlockResult, VcpuInterrupts } from '../../interrupts/vcpu-interrupts.ts';
import type { LoopOutcome } from '../../interrupts/vcpu-loop.ts';
import { EXIT_REQUEST } from '../../interrupts/words.ts';
import type { Env } from '../thread.ts';
import { ALL_PAGES, usePages } from './fence.ts';
import type { FileOptions, WorldFile } from './file.ts';
import { FileGuest, type FileState } from './file-guest.ts';
import type { LoopGuest, LoopState, Mutable } from './loop-surroundings.ts';
import { rearmTimer, type TimerKind, timerWord } from './timer.ts';
import { interruptName } from './word-names.ts';
import { hasBit, type World } from './world.ts';

/** Choices for the guest and for the loop around it. */
export interface VcpuOptions {
  /** With nothing to do the guest executes WFI, or stays inside until it is told to leave. Default `wfi`. */
  readonly idle?: 'wfi' | 'busy';
  /** How many interrupts the guest sends itself by writing sip. Default 0. */
  readonly selfSends?: number;
  /** Number of {@link selfSends}. Default VSSIP. */
  readonly selfIrq?: number;
  /** The guest may leave for any reason at any moment, also with interrupts that it has not taken. Default false. */
  readonly exits?: boolean;
  /** When sync runs. `entry` breaks rule 1 of the loop. Default `exit`. */
  readonly sync?: 'exit' | 'entry';
  /**
   * Where the vCPU may be preempted, saved and moved to another pCPU. `before sync` and `inside flush` break the rules:
   * the one saves HVIP before sync has seen it, the other between the flush and the write of HVIP. Default `never`.
   */
  readonly migrates?: 'never' | 'after sync' | 'before sync' | 'inside flush';
  /** How often the guest programs its timer; `forever` for a periodic one. Default 0: it has none. */
  readonly timers?: number | 'forever';
  /** The guest may program the next deadline before the one before is due. Default false. */
  readonly reprograms?: boolean;
  /** How VSTIP follows from the timer. `stored` breaks rule 4. Default `derived`. */
  readonly timer?: TimerKind;
  /** The handler of the external interrupt acknowledges it to the device. Default false. */
  readonly acknowledges?: boolean;
  /** Start in the guest after one normal round: an IPI was delivered, taken and cleared. Default: fresh. */
  readonly start?: 'fresh' | 'after a round';
  /** The vCPU is saved as a snapshot and restored once before anything else happens. Default false. */
  readonly restored?: boolean;
  /**
   * Where a blocked vCPU waits: on a run queue, or in the thread that serves it alone and sleeps in `waitForWake`,
   * there also with a limit of time. Default `queue`.
   */
  readonly sleeps?: 'queue' | 'alone' | 'alone, with a limit';
  /** The guest uses pages until a {@link fencer} takes them away from it. Default false. */
  readonly pages?: boolean;
  /** The vCPU has an interrupt file, for the identities of the scenario. Default: none. */
  readonly file?: FileOptions;
}

export const VCPU_NAME = 'vCPU';

/** The vCPU's thread between two steps: the loop of its pCPU, the hart, the guest. */
export interface VcpuState extends LoopState {
  /** Why the guest was left; empty in the guest. */
  readonly why: '' | 'kick' | 'wfi' | 'timer' | 'any' | 'claim' | 'access';
  readonly pcpu: number;
  readonly sendsLeft: number;
  readonly timersLeft: number | 'forever';
  readonly acknowledged: boolean;
  /** Pages that the hart still has translations for, one bit each. */
  readonly pages: number;
  /** HVIP was not taken back since the last exit: a loop that breaks rule 1. */
  readonly unsynced: boolean;
  /** Of a guest with an interrupt file. */
  readonly file: FileState;
}

/** A guest that takes interrupts, and the handlers of its exits, around one part of the loop. */
export class Guest implements LoopGuest {
  readonly #world: World;
  readonly #options: VcpuOptions;
  readonly #now: Mutable<VcpuState>;
  readonly #env: Env;
  readonly #interrupts: VcpuInterrupts;
  readonly #file: FileGuest | undefined;

  constructor(
    world: World,
    options: VcpuOptions,
    now: Mutable<VcpuState>,
    env: Env,
    interrupts: VcpuInterrupts,
    file: WorldFile | undefined,
  ) {
    this.#world = world;
    this.#options = options;
    this.#now = now;
    this.#env = env;
    this.#interrupts = interrupts;
    this.#file = file && new FileGuest(world, file, now, env);
  }

  /** One action of the guest: take an interrupt, send one to itself, idle, or leave. */
  runGuest(): boolean {
    const now = this.#now;
    const actions = this.#actions();
    if (this.#options.exits) actions.push(() => this.#leave('any'));
    if (now.pages !== 0) {
      actions.push(() => {
        usePages(this.#world, this.#env, now.pages);
        return false;
      });
    }
    return actions[this.#env.choose(actions.length)]();
  }

  #actions(): (() => boolean)[] {
    const { lo, hi, sendsLeft, timersLeft } = this.#now;
    const urgent = this.#file?.urgentAction();
    if (urgent !== undefined) return [urgent];
    const edge = this.#world.edges.find((irq) => hasBit(irq, lo, hi));
    if (edge !== undefined) return [() => this.#takeEdge(edge)];
    if (hasBit(IRQ_VS_TIMER, lo, 0)) {
      return [() => (this.#options.timers === undefined ? this.#waitInside() : this.#takeTimer())];
    }
    if (this.#world.levels.some((irq) => hasBit(irq, lo, hi))) return [() => this.#takeExternal()];
    const actions = [() => this.#idle()];
    if (sendsLeft > 0) actions.push(() => this.#sendSelf());
    actions.push(...(this.#file?.ownActions() ?? []));
    if (this.#options.reprograms && timersLeft !== 0) {
      actions.push(() => {
        this.#env.note('programs its timer anew');
        return this.#leave('timer');
      });
    }
    return actions;
  }

  #idle(): boolean {
    if (this.#options.idle === 'busy') return this.#waitInside();
    this.#env.note('WFI');
    return this.#leave('wfi');
  }

  #takeEdge(irq: number): boolean {
    const now = this.#now;
    const bit = 1 << (irq & 31);
    this.#env.note(`takes ${interruptName(irq)}, clears it`);
    for (const mail of irq === this.#world.edges[0] ? this.#world.wordsNamed('mail') : []) {
      // Meets the store of a sender.
      Atomics.exchange(mail, 0, 0);
    }
    if (irq < 32) now.lo = (now.lo & ~bit) >>> 0;
    else now.hi = (now.hi & ~bit) >>> 0;
    now.acknowledged = false;
    return false;
  }

  #takeTimer(): boolean {
    this.#env.note('takes VSTIP');
    // Meets the writes of the clock.
    if (this.#options.timer === 'stored' && Atomics.load(timerWord(this.#world), 0) !== 2) {
      this.#env.fail('P2', 'the guest takes a timer interrupt before the time that it asked for');
    }
    return this.#leave('timer');
  }

  #takeExternal(): boolean {
    const now = this.#now;
    if (this.#options.acknowledges && !now.acknowledged && hasBit(IRQ_VS_EXT, now.lo, 0)) {
      this.#env.note('takes VSEIP, answers');
      // Meets the await of the device.
      Atomics.store(this.#world.word('acknowledge'), 0, 1);
      now.acknowledged = true;
      return false;
    }
    now.acknowledged = false;
    return this.#waitInside();
  }

  #sendSelf(): boolean {
    const now = this.#now;
    const irq = this.#options.selfIrq ?? this.#world.edges[0];
    const bit = 1 << (irq & 31);
    this.#env.note(`guest sets ${interruptName(irq)}`);
    now.sendsLeft--;
    if (irq < 32) now.lo = (now.lo | bit) >>> 0;
    else now.hi = (now.hi | bit) >>> 0;
    // With interrupts off in the guest, it can go on to WFI without taking what it sent.
    return this.#env.choose(2) === 0 ? false : this.#leave('wfi');
  }

  #waitInside(): boolean {
    // Meets the store in `requestExit` and the or in `nudge`.
    this.#env.awaitWord(this.#world.words, EXIT_REQUEST, 'different', 0);
    if (this.#file?.looksOnRequest === true && this.#interrupts.takeLook()) {
      this.#env.note('looks at the file');
      this.#file.willLook();
      return false;
    }
    return this.#leave('kick');
  }

  #leave(why: VcpuState['why']): boolean {
    this.#now.why = why;
    return true;
  }

  handle(): LoopOutcome {
    const { why } = this.#now;
    this.#now.why = '';
    this.#file?.willEnter();
    if (why === 'wfi') return 'block';
    if (why === 'claim' || why === 'access') this.#file?.handle(why);
    if (why === 'timer') this.#rearm();
    return this.#options.migrates === 'after sync' && this.#env.choose(2) === 1 ? 'yield' : 'enter';
  }

  #rearm(): void {
    const { timersLeft } = this.#now;
    this.#env.note(timersLeft === 0 ? 'handle: stop the timer' : 'handle: arm the timer');
    rearmTimer(this.#world, this.#env, VCPU_NAME, timersLeft !== 0);
    if (typeof timersLeft === 'number' && timersLeft > 0) this.#now.timersLeft = timersLeft - 1;
  }

  carryOut(requests: number): void {
    this.#now.pages &= ~(requests & ALL_PAGES);
  }

  block(): BlockResult {
    const { words, numbers } = this.#world;
    const { sleeps = 'queue' } = this.#options;
    const block = () => this.#interrupts.block(numbers.allowedLo, numbers.allowedHi);
    const blockWithFile = () => (this.#file === undefined ? block() : this.#file.leavingItToTheLoop(block));
    if (sleeps === 'queue') return blockWithFile();
    // A thread that serves one vCPU sleeps here, within the step.
    const sequence = wakeSequence(words);
    const result = blockWithFile();
    const limit = sleeps === 'alone' ? Number.POSITIVE_INFINITY : 1000;
    if (result !== 'blocked' || waitForWake(words, sequence, limit) || !cancelBlock(words)) return result;
    this.#interrupts.load(this.#now.pcpu);
    return 'pending';
  }

  queue(): void {
    this.#world.wake();
    this.#now.pcpu ^= 1;
  }
}

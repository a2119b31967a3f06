import { IRQ_VS_EXT, IRQ_VS_TIMER } from '../../interrupts/numbers.ts';
import { createOwnerState, type OwnerState } from '../../interrupts/protocol.ts';
import {
  cancelBlock,
  dispatchVcpu,
  startVcpu,
  takeRequests,
  waitForWake,
  wakeSequence,
} from '../../interrupts/run-state.ts';
import { EXIT_REQUEST, WAKE_SEQUENCE } from '../../interrupts/words.ts';
import type { RestView } from '../explorer.ts';
import type { SpecViolation } from '../spec-event.ts';
import type { Env, LocalState, Thread } from '../thread.ts';
import { ALL_PAGES, usePages } from './fence.ts';
import { rearmTimer, type TimerKind, timerMode, timerWord } from './timer.ts';
import { interruptName } from './word-names.ts';
import { hasBit, type Owner, ownerIn, type World } from './world.ts';

/** What the guest does and how the loop around it is built. */
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
   * Where a blocked vCPU waits: on a run queue, or in the thread that serves it alone and sleeps in `waitForWake`, there
   * also with a limit of time. Default `queue`.
   */
  readonly sleeps?: 'queue' | 'alone' | 'alone, with a limit';
  /** The guest uses pages until a {@link fencer} takes them away from it. Default false. */
  readonly pages?: boolean;
}

type Place = 'enter' | 'flush' | 'guest' | 'exit' | 'handle' | 'block' | 'queued';

/** The vCPU's thread between two steps. */
interface VcpuState {
  readonly at: Place;
  readonly local: OwnerState;
  /** HVIP of the hart, or what the guest had in it when it was left. */
  readonly lo: number;
  readonly hi: number;
  /** Why the guest was left; empty in the guest. */
  readonly why: '' | 'kick' | 'wfi' | 'timer' | 'any';
  readonly pcpu: number;
  readonly sendsLeft: number;
  readonly timersLeft: number | 'forever';
  readonly acknowledged: boolean;
  /** Pages that the hart still has translations for, one bit each. */
  readonly pages: number;
}

export const VCPU_NAME = 'vCPU';

/** Makes the thread that runs the vCPU: the loop of a pCPU, and the guest in it. */
export function vcpu(options: VcpuOptions = {}): (world: World) => Thread {
  return (world) => {
    const loop = new VcpuLoop(world, options);
    world.addRestCheck((view, stateOf) => loop.checkRest(view, stateOf(VCPU_NAME) as VcpuState | undefined));
    return {
      name: VCPU_NAME,
      initial: loop.initial(),
      step: (state, env) => loop.step(state as VcpuState, env),
    };
  };
}

class VcpuLoop {
  readonly #world: World;
  readonly #options: VcpuOptions;

  constructor(world: World, options: VcpuOptions) {
    this.#world = world;
    this.#options = options;
    if (options.timers !== undefined) timerMode(world, options.timer ?? 'derived');
    if (!this.#isQueued) {
      world.hasRunQueue = false;
      world.watchCount(world.words, WAKE_SEQUENCE);
    }
  }

  get #isQueued(): boolean {
    return (this.#options.sleeps ?? 'queue') === 'queue';
  }

  initial(): VcpuState {
    const world = this.#world;
    const { start = 'fresh', restored = false, selfSends = 0, timers = 0 } = this.#options;
    const state: VcpuState = {
      at: 'enter',
      local: createOwnerState(world.numbers),
      lo: 0,
      hi: 0,
      why: '',
      pcpu: 0,
      sendsLeft: selfSends,
      timersLeft: timers === 'forever' ? timers : Math.max(0, timers - 1),
      acknowledged: false,
      pages: this.#options.pages ? ALL_PAGES : 0,
    };
    return world.memory.runAlone(world.memory.initial, () => {
      startVcpu(world.words);
      dispatchVcpu(world.words);
      const owner = ownerIn(world, 0, undefined);
      owner.interrupts.load(0);
      if (start === 'fresh' && !restored) return { ...state, local: owner.local };
      owner.interrupts.setInterrupt(world.edges[0]);
      owner.interrupts.enterGuest();
      owner.interrupts.flushInterrupts();
      if (!restored) return { ...state, at: 'guest', local: owner.local };
      const { hvipLo, hvipHi } = owner.interrupts;
      owner.interrupts.exitGuest();
      owner.interrupts.syncInterrupts(hvipLo, hvipHi);
      const image = owner.interrupts.savePending();
      owner.interrupts.reset();
      owner.interrupts.restorePending(image);
      return { ...state, local: owner.local, lo: hvipLo, hi: hvipHi };
    });
  }

  step(state: VcpuState, env: Env): LocalState | null {
    switch (state.at) {
      case 'enter':
        return this.#enter(state, env);
      case 'flush':
        return this.#flush(state, env);
      case 'guest':
        return this.#guest(state, env);
      case 'exit':
        return this.#exit(state, env);
      case 'handle':
        return this.#handle(state, env);
      case 'block':
        return this.#block(state, env);
      case 'queued':
        return this.#dispatch(state, env);
    }
  }

  #owner(state: VcpuState): Owner {
    return ownerIn(this.#world, state.pcpu, state.local);
  }

  #enter(state: VcpuState, env: Env): VcpuState {
    const { interrupts, local } = this.#owner(state);
    if (this.#options.sync === 'entry' && state.why !== '') {
      env.note('sync, late');
      interrupts.syncInterrupts(state.lo, state.hi);
    }
    env.note('enter');
    if (interrupts.enterGuest()) return { ...state, at: 'flush', local, why: '' };
    const fenced = takeRequests(this.#world.words) & ALL_PAGES;
    return { ...state, local, why: '', pages: state.pages & ~fenced };
  }

  #flush(state: VcpuState, env: Env): VcpuState {
    const { interrupts, local } = this.#owner(state);
    env.note('flush');
    env.before({ is: 'flush', lo: state.lo, hi: state.hi });
    interrupts.flushInterrupts();
    const { hvipLo, hvipHi } = interrupts;
    env.after({ is: 'flushed', lo: hvipLo, hi: hvipHi });
    if (this.#options.migrates === 'inside flush' && env.choose(2) === 1) {
      env.note('preempted');
      interrupts.exitGuest();
      // The hart still has the HVIP of before, while the guest is owed what the flush said.
      interrupts.syncInterrupts(state.lo, state.hi);
      return this.#yield({ ...state, local, lo: hvipLo, hi: hvipHi }, interrupts, env);
    }
    return { ...state, at: 'guest', local, lo: hvipLo, hi: hvipHi };
  }

  /** One action of the guest: take an interrupt, send one to itself, idle, or leave. */
  #guest(state: VcpuState, env: Env): VcpuState {
    const actions = this.#guestActions(state);
    if (this.#options.exits) actions.push(() => leave(state, 'any'));
    if (state.pages !== 0) {
      actions.push((of) => {
        usePages(this.#world, of, state.pages);
        return state;
      });
    }
    return actions[env.choose(actions.length)](env);
  }

  #guestActions(state: VcpuState): ((env: Env) => VcpuState)[] {
    const edge = this.#world.edges.find((irq) => hasBit(irq, state.lo, state.hi));
    if (edge !== undefined) return [(env) => this.#takeEdge(state, edge, env)];
    if (hasBit(IRQ_VS_TIMER, state.lo, 0)) {
      if (this.#options.timers !== undefined) return [(env) => this.#takeTimer(state, env)];
      return [(env) => this.#waitInside(state, env)];
    }
    if (this.#world.levels.some((irq) => hasBit(irq, state.lo, state.hi))) {
      return [(env) => this.#takeExternal(state, env)];
    }
    const idle = (env: Env): VcpuState => {
      if (this.#options.idle === 'busy') return this.#waitInside(state, env);
      env.note('WFI');
      return leave(state, 'wfi');
    };
    const actions = [idle];
    if (state.sendsLeft > 0) actions.push((env) => this.#sendSelf(state, env));
    if (this.#options.reprograms && state.timersLeft !== 0) {
      actions.push((env) => {
        env.note('programs its timer anew');
        return leave(state, 'timer');
      });
    }
    return actions;
  }

  #takeEdge(state: VcpuState, irq: number, env: Env): VcpuState {
    const bit = 1 << (irq & 31);
    env.note(`takes ${interruptName(irq)}, clears it`);
    for (const mail of irq === this.#world.edges[0] ? this.#world.wordsNamed('mail') : []) {
      // Meets the store of a sender.
      Atomics.exchange(mail, 0, 0);
    }
    return irq < 32
      ? { ...state, lo: (state.lo & ~bit) >>> 0, acknowledged: false }
      : { ...state, hi: (state.hi & ~bit) >>> 0, acknowledged: false };
  }

  #takeTimer(state: VcpuState, env: Env): VcpuState {
    env.note('takes VSTIP');
    // Meets the writes of the clock.
    if (this.#options.timer === 'stored' && Atomics.load(timerWord(this.#world), 0) !== 2) {
      env.fail('P2', 'the guest takes a timer interrupt before the time that it asked for');
    }
    return leave(state, 'timer');
  }

  #takeExternal(state: VcpuState, env: Env): VcpuState {
    if (this.#options.acknowledges && !state.acknowledged && hasBit(IRQ_VS_EXT, state.lo, 0)) {
      env.note('takes VSEIP, answers');
      // Meets the await of the device.
      Atomics.store(this.#world.word('acknowledge'), 0, 1);
      return { ...state, acknowledged: true };
    }
    return this.#waitInside({ ...state, acknowledged: false }, env);
  }

  #sendSelf(state: VcpuState, env: Env): VcpuState {
    const irq = this.#options.selfIrq ?? this.#world.edges[0];
    const bit = 1 << (irq & 31);
    env.note(`guest sets ${interruptName(irq)}`);
    const sent = { ...state, sendsLeft: state.sendsLeft - 1 };
    const word = irq < 32 ? { lo: (state.lo | bit) >>> 0 } : { hi: (state.hi | bit) >>> 0 };
    // With interrupts off in the guest, it can go on to WFI without taking what it sent.
    return env.choose(2) === 0 ? { ...sent, ...word } : leave({ ...sent, ...word }, 'wfi');
  }

  #waitInside(state: VcpuState, env: Env): VcpuState {
    // Meets the store in `requestExit`.
    env.awaitWord(this.#world.words, EXIT_REQUEST, 'different', 0);
    return leave(state, 'kick');
  }

  #exit(state: VcpuState, env: Env): VcpuState {
    const owner = this.#owner(state);
    env.note('exit');
    owner.interrupts.exitGuest();
    const { sync = 'exit', migrates } = this.#options;
    if (migrates === 'before sync' && env.choose(2) === 1) {
      env.note('save HVIP before sync');
      owner.local.hvipLo = state.lo;
      owner.local.hvipHi = state.hi;
    }
    if (sync === 'exit') {
      env.note('sync');
      owner.interrupts.syncInterrupts(state.lo, state.hi);
    }
    const handled = { ...state, local: owner.local };
    if (state.why === 'wfi') return { ...handled, at: 'block' };
    if (state.why === 'timer' || migrates === 'after sync') return { ...handled, at: 'handle' };
    return { ...handled, at: 'enter' };
  }

  #handle(state: VcpuState, env: Env): VcpuState {
    let timersLeft = state.timersLeft;
    if (state.why === 'timer') {
      env.note(timersLeft === 0 ? 'handle: stop the timer' : 'handle: arm the timer');
      rearmTimer(this.#world, env, VCPU_NAME, timersLeft !== 0);
      if (typeof timersLeft === 'number' && timersLeft > 0) timersLeft--;
    }
    const handled: VcpuState = { ...state, at: 'enter', why: 'any', timersLeft };
    if (this.#options.migrates !== 'after sync' || env.choose(2) === 0) return handled;
    return this.#yield(handled, this.#owner(state).interrupts, env);
  }

  #yield(state: VcpuState, interrupts: Owner['interrupts'], env: Env): VcpuState {
    env.note('save, back to the queue');
    interrupts.yield();
    this.#world.wake();
    return this.#unloaded(state, state.pcpu ^ 1);
  }

  #block(state: VcpuState, env: Env): VcpuState {
    if (!this.#isQueued) return this.#sleepAlone(state, env);
    const { interrupts, local } = this.#owner(state);
    env.note('block');
    const { allowedLo, allowedHi } = this.#world.numbers;
    if (interrupts.block(allowedLo, allowedHi) === 'pending') {
      const why = this.#options.sync === 'entry' ? 'any' : '';
      return { ...state, at: 'enter', why, local };
    }
    return this.#unloaded(state, state.pcpu);
  }

  /** As a thread does that serves one vCPU. It sleeps within this step. */
  #sleepAlone(state: VcpuState, env: Env): VcpuState {
    const { words, numbers } = this.#world;
    const { interrupts, local } = this.#owner(state);
    env.note('block');
    const awake: VcpuState = {
      ...state,
      at: 'enter',
      why: this.#options.sync === 'entry' ? 'any' : '',
      local,
    };
    const sequence = wakeSequence(words);
    const result = interrupts.block(numbers.allowedLo, numbers.allowedHi);
    if (result === 'pending') return awake;
    const limit = this.#options.sleeps === 'alone' ? Number.POSITIVE_INFINITY : 1000;
    if (result === 'blocked' && !waitForWake(words, sequence, limit) && cancelBlock(words)) {
      interrupts.load(state.pcpu);
      return awake;
    }
    return this.#unloaded(state, state.pcpu);
  }

  #unloaded(state: VcpuState, pcpu: number): VcpuState {
    const why = this.#options.sync === 'entry' ? 'any' : '';
    return { ...state, at: 'queued', local: createOwnerState(this.#world.numbers), why, pcpu };
  }

  #dispatch(state: VcpuState, env: Env): VcpuState {
    if (this.#isQueued) {
      const queue = this.#world.word('run_queue');
      env.awaitWord(queue, 0, 'different', 0);
      Atomics.sub(queue, 0, 1);
      if (!dispatchVcpu(this.#world.words)) return state;
    } else if (!dispatchVcpu(this.#world.words)) {
      env.fail('P7', 'the vCPU’s thread goes on although nobody has woken the vCPU');
    }
    env.note(`load on pCPU ${state.pcpu}`);
    const { interrupts, local } = ownerIn(this.#world, state.pcpu, undefined);
    interrupts.load(state.pcpu);
    return { ...state, at: 'enter', local };
  }

  /** A vCPU at rest has nothing to do: it sleeps with nothing pending, or waits in its guest with all delivered. */
  checkRest(view: RestView, state: VcpuState | undefined): SpecViolation | undefined {
    if (state === undefined) return undefined;
    const isAsleep = view.asleep?.[this.#world.threads.findIndex(({ name }) => name === VCPU_NAME)] === true;
    const sleeps = this.#isQueued ? state.at === 'queued' : isAsleep;
    const waits = state.at === 'guest';
    if (!sleeps && !waits) return { property: 'P4', message: `the vCPU is stuck at ${state.at}` };
    const own = sleeps ? this.#world.edges.find((irq) => hasBit(irq, state.lo, state.hi)) : undefined;
    if (own !== undefined) {
      return {
        property: 'P4',
        message: `the vCPU sleeps although its guest has ${interruptName(own)} pending`,
        irq: own,
      };
    }
    const { edges, levels, monitor } = this.#world;
    const [lo, hi] = sleeps ? [0, 0] : [state.lo, state.hi];
    const [irq] = monitor.unsettled(view.spec, [...edges, ...levels], lo, hi);
    if (irq === undefined) return undefined;
    const name = interruptName(irq);
    if (levels.includes(irq)) {
      const message = sleeps
        ? `the vCPU sleeps although level ${name} is high`
        : `the guest runs on with ${name} ${hasBit(irq, lo, hi) ? 'high, but its source is low' : 'low, but its source is high'}`;
      return { property: sleeps ? 'P4' : 'P3', message, irq };
    }
    return this.#isStillKnown(view, state, irq)
      ? { property: 'P4', message: `${name} is pending, and nothing will make the vCPU look`, irq }
      : { property: 'P1', message: `${name} is lost: it was set, and nothing holds it any more`, irq };
  }

  /** Whether the protocol would still find the interrupt if it looked. */
  #isStillKnown(view: RestView, state: VcpuState, irq: number): boolean {
    const world = this.#world;
    return world.memory.runAlone([...view.contents], () => {
      const owner = ownerIn(world, state.pcpu, state.local);
      if (state.at === 'queued' || state.at === 'block') {
        dispatchVcpu(world.words);
        owner.interrupts.load(state.pcpu);
      }
      owner.interrupts.flushInterrupts();
      return hasBit(irq, owner.interrupts.hvipLo, owner.interrupts.hvipHi);
    });
  }
}

function leave(state: VcpuState, why: VcpuState['why']): VcpuState {
  return { ...state, at: 'exit', why };
}

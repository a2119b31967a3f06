import { checkOptions, either, type OptionRules, SWITCH, word } from '../../errors/arguments.ts';
import { dispatchVcpu, startVcpu } from '../../interrupts/run-state.ts';
import { type LoopSurroundings, VcpuLoop } from '../../interrupts/vcpu-loop.ts';
import { WAKE_SEQUENCE } from '../../interrupts/words.ts';
import type { RestView } from '../explorer.ts';
import type { SpecViolation } from '../spec-event.ts';
import type { Env, LocalState, Thread } from '../thread.ts';
import { COUNT, IRQ } from './arguments.ts';
import { FlushIsPreemptible, SavesBeforeSync, SyncsLate } from './broken-loops.ts';
import { ALL_PAGES } from './fence.ts';
import { FILE_RULE, WorldFile } from './file.ts';
import { FRESH_FILE_STATE } from './file-guest.ts';
import { type Mutable, stepLoop } from './loop-surroundings.ts';
import { timerMode } from './timer.ts';
import { Guest, VCPU_NAME, type VcpuOptions, type VcpuState } from './vcpu-guest.ts';
import { interruptName } from './word-names.ts';
import { hasBit, ownerIn, type World } from './world.ts';

export { VCPU_NAME, type VcpuOptions } from './vcpu-guest.ts';

const OPTIONS: OptionRules<VcpuOptions> = {
  idle: word('wfi', 'busy'),
  selfSends: COUNT,
  selfIrq: IRQ,
  exits: SWITCH,
  sync: word('exit', 'entry'),
  migrates: word('never', 'after sync', 'before sync', 'inside flush'),
  timers: either(COUNT, word('forever')),
  reprograms: SWITCH,
  timer: word('derived', 'stored'),
  acknowledges: SWITCH,
  start: word('fresh', 'after a round'),
  restored: SWITCH,
  sleeps: word('queue', 'alone', 'alone, with a limit'),
  pages: SWITCH,
  file: FILE_RULE,
};

/** Makes the thread that runs the vCPU: the loop of a pCPU as it ships, with a guest and handlers of the checker. */
export function vcpu(options: VcpuOptions = {}): (world: World) => Thread {
  checkOptions(options, OPTIONS);
  return (world) => {
    const thread = new VcpuThread(world, options);
    world.addRestCheck((view, stateOf) =>
      thread.checkRest(view, stateOf(VCPU_NAME) as VcpuState | undefined),
    );
    return {
      name: VCPU_NAME,
      initial: thread.initial(),
      step: (state, env) => thread.step(state as VcpuState, env),
    };
  };
}

class VcpuThread {
  readonly #world: World;
  readonly #options: VcpuOptions;
  readonly #file: WorldFile | undefined;

  constructor(world: World, options: VcpuOptions) {
    this.#world = world;
    this.#options = options;
    this.#file = options.file && new WorldFile(world, options.file);
    world.file = this.#file;
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
      owner: null,
      lo: 0,
      hi: 0,
      waiting: false,
      why: '',
      pcpu: 0,
      sendsLeft: selfSends,
      timersLeft: timers === 'forever' ? timers : Math.max(0, timers - 1),
      acknowledged: false,
      pages: this.#options.pages ? ALL_PAGES : 0,
      unsynced: false,
      file: FRESH_FILE_STATE,
    };
    return world.memory.runAlone(world.memory.initial, () => {
      startVcpu(world.words);
      dispatchVcpu(world.words);
      const interrupts = ownerIn(world, null);
      interrupts.load(0);
      if (start === 'fresh' && !restored) return { ...state, owner: interrupts.capture() };
      interrupts.setInterrupt(world.edges[0]);
      interrupts.enterGuest();
      interrupts.flushInterrupts();
      const { hvipLo, hvipHi } = interrupts;
      if (!restored) return { ...state, at: 'guest', owner: interrupts.capture() };
      interrupts.exitGuest();
      interrupts.syncInterrupts(hvipLo, hvipHi);
      const image = interrupts.savePending();
      interrupts.reset();
      interrupts.restorePending(image);
      return { ...state, owner: interrupts.capture(), lo: hvipLo, hi: hvipHi };
    });
  }

  step(state: VcpuState, env: Env): LocalState | null {
    if (state.at === 'gone') return this.#dispatch(state, env);
    return stepLoop<VcpuState>(
      this.#world,
      state,
      env,
      (now, of, interrupts) => new Guest(this.#world, this.#options, now, of, interrupts, this.#file),
      state.pcpu,
      (at, now) => this.#loop(at, now, state, env),
    );
  }

  /** The shipped loop, or one that breaks the rule that the options name. */
  #loop(at: LoopSurroundings, now: Mutable<VcpuState>, before: VcpuState, env: Env): VcpuLoop {
    if (this.#options.sync === 'entry') return new SyncsLate(at, env, now);
    if (this.#options.migrates === 'before sync') return new SavesBeforeSync(at, env);
    if (this.#options.migrates === 'inside flush') return new FlushIsPreemptible(at, env, before);
    return new VcpuLoop(at);
  }

  /** Waits until the vCPU is runnable, and claims it. */
  #dispatch(state: VcpuState, env: Env): VcpuState {
    if (this.#isQueued) {
      const queue = this.#world.word('run_queue');
      env.awaitWord(queue, 0, 'different', 0);
      Atomics.sub(queue, 0, 1);
      if (!dispatchVcpu(this.#world.words)) return state;
    } else if (!dispatchVcpu(this.#world.words)) {
      env.fail('P7', 'the vCPU’s thread goes on although nobody has woken the vCPU');
    }
    return { ...state, at: 'load' };
  }

  /** A vCPU at rest has nothing to do: it sleeps with nothing pending, or waits in its guest with all delivered. */
  checkRest(view: RestView, state: VcpuState | undefined): SpecViolation | undefined {
    if (state === undefined) return undefined;
    const isAsleep = view.asleep?.[this.#world.threads.findIndex(({ name }) => name === VCPU_NAME)] === true;
    const sleeps = this.#isQueued ? state.at === 'gone' : isAsleep;
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
    if (irq === undefined) return this.#file?.checkRest(view, sleeps);
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
      const interrupts = ownerIn(world, state.owner);
      if (state.owner === null) {
        dispatchVcpu(world.words);
        interrupts.load(state.pcpu);
      }
      interrupts.flushInterrupts();
      return hasBit(irq, interrupts.hvipLo, interrupts.hvipHi);
    });
  }
}

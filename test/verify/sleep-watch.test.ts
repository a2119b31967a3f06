/** vCPUs that sleep until their timers are due, and the pCPUs that watch over them, as both ship. */
import { afterAll, describe, expect, test } from 'vitest';
import type * as scheduling from '../../src/hypervisor/scheduler.ts';
import { Scheduler } from '../../src/hypervisor/scheduler.ts';
import * as watching from '../../src/hypervisor/sleep-watch.ts';
import { IRQ_VS_TIMER } from '../../src/interrupts/numbers.ts';
import { dispatchVcpu, kick, startVcpu } from '../../src/interrupts/run-state.ts';
import { takeMirror } from '../../src/interrupts/take-mirror.ts';
import type { VcpuInterrupts } from '../../src/interrupts/vcpu-interrupts.ts';
import type { Scenario, ThreadMaker } from '../../src/verify/scenario.ts';
import type { Env } from '../../src/verify/thread.ts';
import { verify } from '../../src/verify/verify.ts';
import {
  type LoopGuest,
  type LoopState,
  type Mutable,
  stepLoop,
} from '../../src/verify/world/loop-surroundings.ts';
import { hasBit, type World } from '../../src/verify/world/world.ts';
import { ChangedSources } from './changed-source.ts';
import { type IdleModules, look, lookAtAnyTime, of, queueOf } from './idle-pcpus.ts';
import { inShortTime, LIMIT } from './model-time.ts';

const TIMER = 1 << IRQ_VS_TIMER;
/** Ticks at which the vCPU's timer is due, and which the clock shows then; it shows 0 before. */
const DUE = LIMIT * 10_000;
const SLEEPS = 0;
const BUSY = 1;

interface State extends LoopState {
  /** It runs the other vCPU of the domain, whose guest never does anything but compute. */
  readonly busy: boolean;
}

const IDLE: State = { at: 'gone', owner: null, lo: 0, hi: 0, waiting: false, busy: false };

/** Words of the world: the clock, and those of the vCPU that sleeps. */
const time = (world: World) => world.word('time');
/** Its deadline as it is saved: 1 for {@link DUE}, 0 for never. */
const deadline = (world: World) => world.word('deadline');
/** Its registers: the timer that its guest has programmed, and whether it waits for an interrupt. */
const programmed = (world: World) => world.word('programmed', 1);
const waits = (world: World) => world.word('waits');
/** Nobody ever writes it. */
const nothing = (world: World) => world.word('nothing');

const isDue = (world: World) =>
  Atomics.load(time(world), 0) === 1 && Atomics.load(programmed(world), 0) === 1;

class IdlePcpus {
  readonly #modules: IdleModules;
  readonly #anyTime: boolean;

  /** @param anyTime sleeps see time go on as it likes, which makes many states */
  constructor(modules: IdleModules, anyTime = false) {
    this.#modules = modules;
    this.#anyTime = anyTime;
  }

  thread(number: number, runsBusyVcpu = false): ThreadMaker {
    return (world) => {
      if (number === 0) this.#prepare(world, runsBusyVcpu);
      return {
        name: `P${number}`,
        initial: IDLE,
        step: (state, env) => this.#step(world, number, state as State, env),
      };
    };
  }

  #prepare(world: World, runsBusyVcpu: boolean): void {
    // All words are there before the first step.
    for (const word of [time, deadline, programmed, waits, nothing]) word(world);
    world.addDerive(() => (isDue(world) ? TIMER : 0));
    const queue = queueOf(world, this.#modules);
    world.memory.runAlone(world.memory.initial, () => {
      startVcpu(world.words);
      queue.enqueue(SLEEPS);
      if (runsBusyVcpu) queue.enqueue(BUSY);
    });
    world.addRestCheck((view) =>
      world.valueIn(view, programmed(world)) === 0 || view.hasLimit === true
        ? undefined
        : { property: 'P4', message: 'a vCPU sleeps until its timer, and no pCPU wakes it then' },
    );
  }

  #step(world: World, number: number, state: State, env: Env): State {
    if (state.at !== 'gone') {
      const next = stepLoop<State>(
        world,
        state,
        env,
        (now, of, interrupts) => this.#guest(world, now, of, interrupts),
        number,
      );
      return next.at === 'gone' ? IDLE : next;
    }
    const queue = queueOf(world, this.#modules);
    const watch = this.#watch(world);
    if (state.busy) return this.#runBusyVcpu(world, watch, env);
    const vcpu = this.#anyTime
      ? lookAtAnyTime(queue, watch, this.#modules, env)
      : inShortTime(() => look(queue, watch, this.#modules));
    if (vcpu < 0) return IDLE;
    if (vcpu === BUSY) return { ...IDLE, busy: true };
    if (!dispatchVcpu(world.words)) env.fail('P7', 'a vCPU on the run queue is not runnable');
    return { ...IDLE, at: 'load' };
  }

  #watch(world: World): watching.SleepWatch {
    const sleeper = {
      interrupts: { words: world.words },
      get sleepDeadline() {
        // Meets the store in `saveRegisters`.
        return Atomics.load(deadline(world), 0) === 1 ? DUE : Number.POSITIVE_INFINITY;
      },
      kick: () => kick(world.words, () => queueOf(world, this.#modules).enqueue(SLEEPS)),
    };
    return new this.#modules.watching.SleepWatch([sleeper], () => Atomics.load(time(world), 0) * DUE);
  }

  /** As `Pcpu` does: its stay in the guest ends at the first deadline at the latest. */
  #runBusyVcpu(world: World, watch: watching.SleepWatch, env: Env): State {
    watch.look();
    if (watch.wakeAt === Number.POSITIVE_INFINITY) {
      // That a stay in the guest has an end anyway is nothing to rely on.
      env.awaitWord(nothing(world), 0, 'different', 0);
    }
    if (Atomics.load(time(world), 0) * DUE >= watch.wakeAt) watch.wakeDue();
    return { ...IDLE, busy: true };
  }

  #guest(world: World, now: Mutable<State>, env: Env, interrupts: VcpuInterrupts): LoopGuest {
    return {
      runGuest: () => {
        if (hasBit(IRQ_VS_TIMER, now.lo, 0)) {
          env.note('takes VSTIP, stops the timer');
          Atomics.store(programmed(world), 0, 0);
          env.after({ is: 'effect', irq: IRQ_VS_TIMER, high: false });
        }
        env.note('WFI');
        return true;
      },
      handle: () => 'block',
      saveRegisters: () => {
        Atomics.store(waits(world), 0, now.waiting ? 1 : 0);
        // Meets the load in `sleepDeadline`.
        Atomics.store(deadline(world), 0, Atomics.load(programmed(world), 0));
      },
      loadRegisters: () => {
        now.waiting = Atomics.load(waits(world), 0) === 1;
      },
      block: () => interrupts.block(TIMER, 0),
      queue: () => queueOf(world, this.#modules).enqueue(SLEEPS),
    };
  }
}

/** Time goes on; nothing of ours is told. */
const clock: ThreadMaker = (world) => ({
  name: 'clock',
  initial: {},
  step: (_state, env) => {
    Atomics.store(time(world), 0, 1);
    env.after({ is: 'effect', irq: IRQ_VS_TIMER, high: true });
    return null;
  },
});

/** Somebody who kicks the vCPU for nothing. */
const kicker =
  (modules: IdleModules): ThreadMaker =>
  (world) => ({
    name: 'K',
    initial: {},
    step: () => {
      kick(world.words, () => queueOf(world, modules).enqueue(SLEEPS));
      return null;
    },
  });

function onePcpu(modules: IdleModules): Scenario {
  return of('one-pcpu', new IdlePcpus(modules, true).thread(0), clock);
}

function wokenForNothing(modules: IdleModules): Scenario {
  return of('woken-for-nothing', new IdlePcpus(modules).thread(0), clock, kicker(modules));
}

function twoPcpus(modules: IdleModules): Scenario {
  const pcpus = new IdlePcpus(modules);
  return of('two-pcpus', pcpus.thread(0), pcpus.thread(1), clock);
}

function busyPcpu(modules: IdleModules): Scenario {
  const pcpus = new IdlePcpus(modules);
  return { ...of('busy-pcpu', pcpus.thread(0, true), pcpus.thread(1), clock), mustRest: false };
}

const shipped: IdleModules = { Scheduler, watching };
const changed = new ChangedSources();
afterAll(() => changed.remove());

describe('a vCPU that sleeps until its timer is woken then', () => {
  test.each([
    ['by the pCPU that put it to sleep', onePcpu],
    ['also when it was woken for nothing before', wokenForNothing],
    ['by one of two', twoPcpus],
    ['while a pCPU is busy', busyPcpu],
  ])('%s', (_title, make) => {
    const result = verify(takeMirror, make(shipped));
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
  });
});

describe('a mistake there is found', () => {
  test.each([
    ['sleeps-without-a-limit', 'P4', 'Math.min(left / TICKS_PER_MS', 'Math.min(left / 0'],
    ['does-not-look-after-it-woke', 'P4', '    }\n    this.look();', '    }'],
    ['forgets-who-sleeps', 'P4', '=== RunState.BLOCKED) next', '=== RunState.RUNNABLE) next'],
    ['wakes-nobody', 'P5', 'vcpu.sleepDeadline <= now', 'vcpu.sleepDeadline < now'],
  ])('%s', async (_name, property, piece, by) => {
    const mistake = { file: 'hypervisor/sleep-watch.ts', piece, by };
    const module = (await changed.import(['hypervisor/sleep-watch.ts'], mistake)) as typeof watching;
    const result = verify(takeMirror, onePcpu({ ...shipped, watching: module }));
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property } });
  });

  test.each([
    [
      'leaves-the-watch-to-nobody',
      onePcpu,
      'watched !== 0 && ((watched - mine) | 0) <= 0',
      'watched - mine <= 0',
    ],
    ['keeps-the-watch-when-it-works', wokenForNothing, 'WORD.watched, mine, 0)', 'WORD.watched, 0, 0)'],
    [
      'says-to-watch-and-does-not',
      onePcpu,
      'this.sleep(sequence, milliseconds);',
      'this.sleep(sequence, Infinity);',
    ],
  ])('%s', async (_name, make, piece, by) => {
    const mistake = { file: 'hypervisor/scheduler.ts', piece, by };
    const module = (await changed.import(['hypervisor/scheduler.ts'], mistake)) as typeof scheduling;
    const result = verify(takeMirror, make({ ...shipped, Scheduler: module.Scheduler }));
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property: 'P4' } });
  });
});

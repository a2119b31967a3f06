/** Idle pCPUs for the checker: the run queue, the watch over sleeping vCPUs and the sleep, as they ship. */
import type { Scheduler } from '../../src/hypervisor/scheduler.ts';
import type * as watching from '../../src/hypervisor/sleep-watch.ts';
import type { SleepWatch } from '../../src/hypervisor/sleep-watch.ts';
import { type Scenario, scenario, type ThreadMaker } from '../../src/verify/scenario.ts';
import type { Env } from '../../src/verify/thread.ts';
import type { World } from '../../src/verify/world/world.ts';
import { inModelTime, inShortTime } from './model-time.ts';

/** The modules of an idle pCPU, as they ship or with a mistake. */
export interface IdleModules {
  readonly Scheduler: typeof Scheduler;
  readonly watching: typeof watching;
}

const NAMES = ['lock', 'sequence', 'head', 'count', 'sleepers', 'watched', 'queue[0]', 'queue[1]'];
const COUNT = NAMES.indexOf('count');
const VCPUS = 2;

const shared = new WeakMap<World, Int32Array<ArrayBufferLike>>();

function queueWords(world: World): Int32Array<ArrayBufferLike> {
  let words = shared.get(world);
  if (words === undefined) {
    words = world.memory.add(NAMES.map((name) => ({ name, isCount: name === 'sequence' })));
    shared.set(world, words);
    world.addRestCheck((view) =>
      world.valueIn(view, queueWords(world), COUNT) === 0
        ? undefined
        : { property: 'P4', message: 'a vCPU is on the run queue, and all pCPUs sleep' },
    );
  }
  return words;
}

/** The run queue, as a thread sees it. An idle pCPU looks around each minute, but nobody may rely on that. */
export function queueOf(world: World, modules: IdleModules): Scheduler {
  const { LONGEST_SLEEP } = modules.watching;
  const Endless = class extends modules.Scheduler {
    override sleep(sequence: number, milliseconds: number): void {
      super.sleep(sequence, milliseconds < LONGEST_SLEEP ? milliseconds : Number.POSITIVE_INFINITY);
    }
  };
  return new Endless(queueWords(world) as Int32Array, VCPUS);
}

/** One look of an idle pCPU for a vCPU, or its sleep. @returns the number of a vCPU that it has taken, or -1 */
export function look(
  queue: Scheduler,
  watch: SleepWatch,
  { watching }: IdleModules,
  goesOn = () => true,
): number {
  return watching.nextVcpu(queue, watch, goesOn);
}

/** The same after any sleep before, which was short or was not, and in time that goes on as it likes. */
export function lookAtAnyTime(queue: Scheduler, watch: SleepWatch, modules: IdleModules, env: Env): number {
  return inModelTime(env, () => {
    if (env.choose(2) === 1) queue.sleep(-1, 0);
    return look(queue, watch, modules);
  });
}

/**
 * A pCPU that is always idle: the vCPUs that it takes from the queue run to their ends at once.
 *
 * @param anyTime its sleep sees time go on as it likes, which makes many states
 */
export function idlePcpu(modules: IdleModules, name: string, anyTime = false): ThreadMaker {
  return (world) => {
    queueWords(world);
    return {
      name,
      initial: {},
      step: (_state, env) => {
        const watch = new modules.watching.SleepWatch([], () => 0);
        const queue = queueOf(world, modules);
        if (anyTime) lookAtAnyTime(queue, watch, modules, env);
        else inShortTime(() => look(queue, watch, modules));
        return {};
      },
    };
  };
}

/** Not 0 when the domain has ended. */
const ended = (world: World) => world.word('ended');

/** A pCPU that has nothing to do until the domain ends. */
export function endingPcpu(modules: IdleModules, name: string): ThreadMaker {
  return (world) => {
    queueWords(world);
    ended(world);
    world.addRestCheck((_view, stateOf) =>
      stateOf(name) === undefined
        ? undefined
        : { property: 'P4', message: 'the domain has ended, and a pCPU sleeps' },
    );
    return {
      name,
      initial: {},
      step: () => {
        const goesOn = () => Atomics.load(ended(world), 0) === 0;
        if (!goesOn()) return null;
        const watch = new modules.watching.SleepWatch([], () => 0);
        inShortTime(() => look(queueOf(world, modules), watch, modules, goesOn));
        return {};
      },
    };
  };
}

/** A thread that ends the domain. */
export function ender(modules: IdleModules, pcpus: number): ThreadMaker {
  return (world) => ({
    name: 'E',
    initial: {},
    step: () => {
      Atomics.store(ended(world), 0, 1);
      queueOf(world, modules).announce(pcpus);
      return null;
    },
  });
}

/** A thread that puts a vCPU on the run queue. */
export function waker(modules: IdleModules, vcpu: number): ThreadMaker {
  return (world) => ({
    name: `W${vcpu}`,
    initial: {},
    step: () => {
      queueOf(world, modules).enqueue(vcpu);
      return null;
    },
  });
}

/** A scenario of a test. */
export function of(name: string, ...threads: ThreadMaker[]): Scenario {
  return scenario({ name, title: '', about: '', group: 'default', threads });
}

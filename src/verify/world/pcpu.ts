import { dispatchVcpu, kick, startVcpu } from '../../interrupts/run-state.ts';
import type { VcpuInterrupts } from '../../interrupts/vcpu-interrupts.ts';
import type { RestView } from '../explorer.ts';
import type { Env, Thread } from '../thread.ts';
import { type LoopGuest, type LoopState, type Mutable, stepLoop } from './loop-surroundings.ts';
import { interruptName } from './word-names.ts';
import { hasBit, ownerIn, type World } from './world.ts';

const IDLE: LoopState = { at: 'gone', owner: null, lo: 0, hi: 0, waiting: false };
/** Bit of the word for the registers: the vCPU waits for an interrupt. No edge has this number. */
const WAITING = 1 << 31;

/**
 * Makes one of several pCPUs that serve the same run queue, with one vCPU on it. Its guest takes interrupts or, with
 * interrupts off, executes WFI while it has some. What the vCPU's registers are worth is kept in memory while it
 * sleeps.
 */
export function pcpu(number: number): (world: World) => Thread {
  return (world) => {
    if (number === 0) prepare(world);
    return {
      name: `P${number}`,
      initial: IDLE,
      step: (state, env) => step(world, env, number, state as LoopState),
    };
  };
}

/** The registers of a vCPU that is not loaded, as far as they matter here. */
function registers(world: World): Int32Array<ArrayBufferLike> {
  return world.word('registers');
}

function prepare(world: World): void {
  world.memory.runAlone(world.memory.initial, () => {
    startVcpu(world.words);
    world.wake();
  });
  world.addRestCheck((view) => {
    const [irq] = world.monitor.unsettled(view.spec, world.edges, 0, 0);
    if (irq === undefined) return undefined;
    const name = interruptName(irq);
    return isStillKnown(world, view, irq)
      ? { property: 'P4', message: `${name} is pending, and no pCPU has the vCPU`, irq }
      : { property: 'P1', message: `${name} is lost: it was set, and nothing holds it any more`, irq };
  });
}

/** Whether a pCPU that looked would find the interrupt. */
function isStillKnown(world: World, view: RestView, irq: number): boolean {
  return world.memory.runAlone([...view.contents], () => {
    kick(world.words, () => undefined);
    dispatchVcpu(world.words);
    const interrupts = ownerIn(world, null);
    interrupts.load(0);
    interrupts.flushInterrupts();
    return hasBit(irq, interrupts.hvipLo, 0);
  });
}

function step(world: World, env: Env, number: number, state: LoopState): LoopState {
  if (state.at === 'gone') return dispatch(world, env);
  const next = stepLoop(
    world,
    state,
    env,
    (now, of, interrupts) => guest(world, now, of, interrupts),
    number,
  );
  return next.at === 'gone' ? IDLE : next;
}

function guest(world: World, now: Mutable<LoopState>, env: Env, interrupts: VcpuInterrupts): LoopGuest {
  return {
    runGuest: () => {
      const irq = world.edges.find((edge) => hasBit(edge, now.lo, 0));
      if (irq === undefined || env.choose(2) === 1) {
        env.note('WFI');
        return true;
      }
      env.note(`takes ${interruptName(irq)}, clears it`);
      now.lo &= ~(1 << irq);
      return false;
    },
    handle: () => 'block',
    saveRegisters: () => {
      // Meets the load below, on the pCPU that has the vCPU next.
      Atomics.store(registers(world), 0, now.lo | (now.waiting ? WAITING : 0));
    },
    loadRegisters: () => {
      const saved = Atomics.load(registers(world), 0);
      now.lo = saved & ~WAITING;
      now.waiting = (saved & WAITING) !== 0;
    },
    block: () => interrupts.block(world.numbers.allowedLo, 0),
    queue: () => world.wake(),
  };
}

function dispatch(world: World, env: Env): LoopState {
  const queue = world.word('run_queue');
  // Meets the add of whoever wakes the vCPU, and the compare-exchange of other pCPUs.
  const length = env.awaitWord(queue, 0, 'different', 0);
  if (Atomics.compareExchange(queue, 0, length, length - 1) !== length) return IDLE;
  return dispatchVcpu(world.words) ? { ...IDLE, at: 'load' } : IDLE;
}

import type { OwnerState } from '../../interrupts/protocol.ts';
import { dispatchVcpu, kick, startVcpu, takeRequests } from '../../interrupts/run-state.ts';
import type { RestView } from '../explorer.ts';
import type { Env, Thread } from '../thread.ts';
import { interruptName } from './word-names.ts';
import { hasBit, ownerIn, type World } from './world.ts';

interface PcpuState {
  readonly at: 'idle' | 'enter' | 'flush' | 'guest' | 'exit' | 'block';
  readonly local: OwnerState | null;
  /** The guest's edges in HVIP. */
  readonly lo: number;
}

const IDLE: PcpuState = { at: 'idle', local: null, lo: 0 };

/**
 * Makes one of several pCPUs that serve the same run queue, with one vCPU on it. Its guest takes interrupts or, with
 * interrupts off, executes WFI while it has some. What the vCPU's registers are worth is kept in memory while it sleeps.
 */
export function pcpu(number: number): (world: World) => Thread {
  return (world) => {
    if (number === 0) prepare(world);
    return {
      name: `P${number}`,
      initial: IDLE,
      step: (state, env) => step(world, env, number, state as PcpuState),
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
    const { interrupts } = ownerIn(world, 0, undefined);
    interrupts.load(0);
    interrupts.flushInterrupts();
    return hasBit(irq, interrupts.hvipLo, 0);
  });
}

function step(world: World, env: Env, number: number, state: PcpuState): PcpuState {
  if (state.local === null) return dispatch(world, env, number);
  const { interrupts, local } = ownerIn(world, number, state.local);
  switch (state.at) {
    case 'enter':
      env.note('enter');
      if (interrupts.enterGuest()) return { ...state, at: 'flush', local };
      takeRequests(world.words);
      return { ...state, local };
    case 'flush':
      env.note('flush');
      env.before({ is: 'flush', lo: state.lo, hi: 0 });
      interrupts.flushInterrupts();
      env.after({ is: 'flushed', lo: interrupts.hvipLo, hi: 0 });
      return { at: 'guest', local, lo: interrupts.hvipLo };
    case 'guest':
      return runGuest(world, env, state);
    case 'exit':
      env.note('exit');
      interrupts.exitGuest();
      interrupts.syncInterrupts(state.lo, 0);
      return { ...state, at: 'block', local };
    default:
      env.note('save, block');
      // Meets the loads here and in `dispatch`.
      Atomics.store(registers(world), 0, state.lo);
      if (interrupts.block(world.numbers.allowedLo, 0) !== 'pending') return IDLE;
      return { at: 'enter', local, lo: Atomics.load(registers(world), 0) };
  }
}

function runGuest(world: World, env: Env, state: PcpuState): PcpuState {
  const irq = world.edges.find((edge) => hasBit(edge, state.lo, 0));
  if (irq !== undefined && env.choose(2) === 0) {
    env.note(`takes ${interruptName(irq)}, clears it`);
    return { ...state, lo: state.lo & ~(1 << irq) };
  }
  env.note('WFI');
  return { ...state, at: 'exit' };
}

function dispatch(world: World, env: Env, number: number): PcpuState {
  const queue = world.word('run_queue');
  // Meets the add of whoever wakes the vCPU, and the compare-exchange of other pCPUs.
  const length = env.awaitWord(queue, 0, 'different', 0);
  if (Atomics.compareExchange(queue, 0, length, length - 1) !== length) return IDLE;
  if (!dispatchVcpu(world.words)) return IDLE;
  env.note('load');
  const { interrupts, local } = ownerIn(world, number, undefined);
  interrupts.load(number);
  return { at: 'enter', local, lo: Atomics.load(registers(world), 0) };
}

import { IRQ_VS_TIMER } from '../../interrupts/numbers.ts';
import type { Env, Thread } from '../thread.ts';
import type { World } from './world.ts';

/** `derived`: VSTIP is computed from the deadline. `stored`: the callback sets it and the vCPU unsets it. */
export type TimerKind = 'derived' | 'stored';

/** Values of the word `timer`: what comparing the time with the vCPU's deadline gives. */
const Timer = { OFF: 0, ARMED: 1, EXPIRED: 2 } as const;

const modes = new WeakMap<World, TimerKind>();

/** The word that says how time and deadline compare. */
export function timerWord(world: World): Int32Array<ArrayBufferLike> {
  return world.word('timer', Timer.ARMED);
}

/** Gives the world a timer, armed at first. */
export function timerMode(world: World, kind: TimerKind): void {
  modes.set(world, kind);
  const word = timerWord(world);
  if (kind === 'derived') {
    // Meets the writes of the clock and of the vCPU.
    world.addDerive(() => (Atomics.load(word, 0) === Timer.EXPIRED ? 1 << IRQ_VS_TIMER : 0));
  }
}

/** The guest of the vCPU programs a new deadline, or none. */
export function rearmTimer(world: World, env: Env, thread: string, arm: boolean): void {
  const word = timerWord(world);
  const value = arm ? Timer.ARMED : Timer.OFF;
  if (modes.get(world) === 'stored') {
    world.call(env, thread, IRQ_VS_TIMER, false, () => world.producer().unsetInterrupt(IRQ_VS_TIMER));
    // Meets the await and the compare-exchange of the clock.
    Atomics.store(word, 0, value);
    return;
  }
  // As above.
  Atomics.store(word, 0, value);
  env.after({ is: 'effect', irq: IRQ_VS_TIMER, high: false });
}

/**
 * The clock and the host's timer callback. Time passes at any moment; the callback may come arbitrarily late, when
 * the guest has programmed another deadline already.
 */
export function clock(): (world: World) => Thread {
  return (world) => ({ name: 'timer', initial: {}, step: (_state, env) => tick(world, env) });
}

function tick(world: World, env: Env): object {
  const word = timerWord(world);
  // Meets the stores in `rearmTimer`.
  env.awaitWord(word, 0, 'equal', Timer.ARMED);
  if (modes.get(world) === 'stored') {
    // Decided under the timer's lock, as the kernel does; carried out after it.
    if (Atomics.compareExchange(word, 0, Timer.ARMED, Timer.EXPIRED) === Timer.ARMED) {
      env.after({ is: 'call', thread: 'timer', irq: IRQ_VS_TIMER, set: true });
      env.note('time is up; the callback runs');
      world.producer().setInterrupt(IRQ_VS_TIMER);
      env.after({ is: 'return', thread: 'timer' });
    }
    return {};
  }
  if (Atomics.compareExchange(word, 0, Timer.ARMED, Timer.EXPIRED) === Timer.ARMED) {
    env.after({ is: 'effect', irq: IRQ_VS_TIMER, high: true });
    env.note('time is up; the callback kicks');
    world.producer().kick();
  }
  return {};
}

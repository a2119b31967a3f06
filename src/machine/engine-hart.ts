// Not from the index: it also has the generator of the interpreter, which a thread has no use for.
import { Hart, type HartOptions } from '../hart/hart.ts';
import { LockstepHart } from '../hart/lockstep/lockstep-hart.ts';
import type { Engine } from './engine.ts';

/**
 * A hart of a machine.
 *
 * @param onDifference is told in which way compiled and interpreted code differ, under `lockstep`
 */
export function createHart(
  options: HartOptions,
  engine: Engine,
  onDifference: (report: string) => void,
): Hart {
  if (engine === 'lockstep') return new LockstepHart(options, { onDifference });
  return new Hart({ ...options, compile: engine === 'jit' });
}

/** Does something to a hart, or to both that run in lock step. */
export function onEach(hart: Hart, action: (hart: Hart) => void): void {
  if (hart instanceof LockstepHart) hart.both(action);
  else action(hart);
}

/** The machine itself has written to guest memory, at an address in linear memory. */
export function hostWrote(hart: Hart, address: number, bytes: number): void {
  if (hart instanceof LockstepHart) hart.hostWrote(address, bytes);
}

/** The hart will run no more: what lock step looks at only now and then is looked at for the last time. */
export function finishHart(hart: Hart): void {
  if (hart instanceof LockstepHart) hart.compareMemory();
}

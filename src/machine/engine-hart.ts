// Not from the index: it also has the generator of the interpreter, which a thread has no use for.
import { Hart } from '../hart/hart.ts';
import type { HartOptions } from '../hart/hart-options.ts';
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

import type { Engine } from '../engine.ts';
import type { MachinePlan } from '../plan.ts';

/**
 * Whether a machine has a thread for what may take devices long. Under lock step all is done on the hart's own thread,
 * where the memory of both engines can be kept alike.
 */
export function hasIoThread({
  plan,
  engine,
}: {
  readonly plan: MachinePlan;
  readonly engine: Engine;
}): boolean {
  return ((plan.drives?.length ?? 0) > 0 || plan.network !== undefined) && engine !== 'lockstep';
}

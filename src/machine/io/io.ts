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
  const { drives = [], shares = [], network } = plan;
  return (drives.length > 0 || shares.length > 0 || network !== undefined) && engine !== 'lockstep';
}

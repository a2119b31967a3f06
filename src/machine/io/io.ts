import { driveLane, EVENT_LANE, FOLDER_LANE } from '../../devices/descriptor.ts';
import type { Engine } from '../engine.ts';
import type { MachinePlan } from '../plan.ts';

interface IoSetting {
  readonly plan: MachinePlan;
  readonly engine: Engine;
}

/**
 * The numbers of the threads that a machine has for long work of devices: one for all that has events, one for folders
 * and the balloon, and one for each drive, so that a drive that does not answer keeps nothing else waiting. Under lock
 * step all is done on the hart's own thread, where the memory of both engines can be kept alike.
 */
export function ioLanes({ plan, engine }: IoSetting): readonly number[] {
  if (engine === 'lockstep') return [];
  const { drives = [], shares = [], network, balloon = false } = plan;
  return [
    ...(network === undefined ? [] : [EVENT_LANE]),
    ...(shares.length === 0 && !balloon ? [] : [FOLDER_LANE]),
    ...drives.map((_, drive) => driveLane(drive)),
  ];
}

/** Whether there are any. */
export function hasIoThreads(setting: IoSetting): boolean {
  return ioLanes(setting).length > 0;
}

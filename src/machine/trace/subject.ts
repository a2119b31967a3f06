import type { RingRole } from '../../trace/recorder.ts';
import type { TraceSubject } from '../../trace/tracks.ts';
import type { Engine } from '../engine.ts';
import { ioLanes } from '../io/io.ts';
import { partsOf } from '../parts.ts';
import type { MachinePlan } from '../plan.ts';

/** The thread of each ring: those of processors, those for devices, and the one that owns the machine. */
function ringsOf(plan: MachinePlan, engine: Engine): readonly RingRole[] {
  const kind = plan.kind === 'domain' ? 'pcpu' : 'hart';
  const processors = Array.from({ length: plan.pcpus }, (_, index): RingRole => ({ kind, index }));
  const io = ioLanes({ plan, engine }).map((index): RingRole => ({ kind: 'io', index }));
  return [...processors, ...io, { kind: 'owner' }];
}

/** Slots of a bus at most, and 0 for the bus itself. */
const SLOTS = 64;

/** The number of a device in a trace. @param part its place among the machine's parts */
export function deviceNumber(part: number, slot: number): number {
  return part * SLOTS + slot;
}

/** The subject of a machine's trace. */
export function subjectOf(plan: MachinePlan, engine: Engine): TraceSubject {
  const parts = partsOf(plan);
  const sources = new Map(
    parts.flatMap(({ device, sources = [] }) => sources.map((source) => [source, device.name] as const)),
  );
  const devices = new Map<number, string>();
  for (const [index, { device, base }] of parts.entries()) {
    devices.set(deviceNumber(index, 0), `${device.name} at 0x${base.toString(16)}`);
    for (const { name, slot } of device.slots?.(plan) ?? []) devices.set(deviceNumber(index, slot), name);
  }
  return { kind: plan.kind, cpus: plan.cpus, rings: ringsOf(plan, engine), devices, sources };
}

import { Scheduler } from '../../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../../hypervisor/software-events.ts';
import { VCPU, VCPU_AREA_BYTES } from '../../hypervisor/vcpu-layout.ts';
import type { Type } from '../../layout/struct.ts';
import { partsOf } from '../parts.ts';
import type { MachinePlan } from '../plan.ts';
import { crc32 } from './crc32.ts';

/** A part of a paused machine's state that lies in linear memory outside of RAM. */
export interface StatePart {
  /** For people. */
  readonly name: string;
  /** Its place in linear memory, in bytes. */
  readonly at: number;
  readonly bytes: number;
  /** A sum over the names, types and places in it. */
  readonly layout: number;
}

const WORD = Int32Array.BYTES_PER_ELEMENT;

/**
 * The parts of a machine's state, in an order that depends on the machine's shape, and not on how many threads it has:
 * all that outlives a pause, but for RAM, the registers of bare harts, and the parts that are made anew for each run
 * (the words of the threads that run the machine, events that its owner has not heard of yet).
 */
export function stateParts(plan: MachinePlan): readonly StatePart[] {
  const devices = partsOf(plan).map(({ device }, index) => ({
    name: `the device ${device.name}`,
    at: plan.devices[index],
    bytes: WORD * device.wordsFor(plan),
    layout: layoutOf(device.state(plan)),
  }));
  if (plan.kind === 'bare') return devices;
  const vcpu = layoutOf([VCPU]);
  return [
    ...devices,
    {
      name: 'the queue of vCPUs',
      at: plan.scheduler,
      bytes: WORD * Scheduler.wordsFor(plan.cpus),
      layout: layoutOf([Scheduler.STATE]),
    },
    {
      name: 'the software events',
      at: plan.events,
      bytes: WORD * SoftwareEvents.wordsFor(plan.cpus),
      layout: layoutOf([SoftwareEvents.STATE]),
    },
    ...plan.vcpus.map((at, index) => ({ name: `vCPU ${index}`, at, bytes: VCPU_AREA_BYTES, layout: vcpu })),
  ];
}

/** A sum over layouts: those of a build that has others differ. */
export function layoutOf(types: readonly Type[]): number {
  return crc32(new TextEncoder().encode(types.map((type) => type.shape()).join('\n')));
}

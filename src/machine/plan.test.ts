import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AIA } from '../devices/descriptor.ts';
import { hartAreaBytes } from '../hart/area.ts';
import { Scheduler } from '../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../hypervisor/software-events.ts';
import { VCPU_AREA_BYTES } from '../hypervisor/vcpu-layout.ts';
import { HartWords } from './bare/hart-words.ts';
import { CONTROL_BYTES } from './control.ts';
import { DeviceEvents } from './device-events.ts';
import { partsOf, RAM_BASE } from './parts.ts';
import { type MachinePlan, maximumMemory, planMachine } from './plan.ts';

const MIB = 2 ** 20;

function areasOfKind(plan: MachinePlan): { from: number; bytes: number }[] {
  if (plan.kind === 'bare') return plan.hartWords.map((from) => ({ from, bytes: HartWords.BYTES }));
  return [
    { from: plan.scheduler, bytes: 4 * Scheduler.wordsFor(plan.cpus) },
    { from: plan.events, bytes: 4 * SoftwareEvents.wordsFor(plan.cpus) },
    ...plan.vcpus.map((from) => ({ from, bytes: VCPU_AREA_BYTES })),
  ];
}

/** Every area of a plan: where it begins, and how long it is. */
function areas(plan: MachinePlan): { from: number; bytes: number }[] {
  const words = (from: number, count: number) => ({ from, bytes: count * 4 });
  return [
    { from: plan.control, bytes: CONTROL_BYTES },
    ...partsOf(plan).map(({ device }, index) => words(plan.devices[index] ?? 0, device.wordsFor(plan))),
    words(plan.deviceEvents, DeviceEvents.wordsFor(plan.devices.length)),
    ...areasOfKind(plan),
    ...plan.harts.map((from) => ({ from, bytes: hartAreaBytes(plan.codePages) })),
    { from: plan.ram.offset, bytes: plan.ram.size },
  ];
}

const shapes = fc
  .record({
    kind: fc.constantFrom('domain', 'bare'),
    cpus: fc.integer({ min: 1, max: 64 }),
    pcpus: fc.integer({ min: 1, max: 8 }),
    aia: fc.constantFrom(...AIA),
    aiaGuests: fc.integer({ min: 0, max: 7 }),
    ramBytes: fc.integer({ min: 1, max: 1024 }).map((mebibytes) => mebibytes * MIB),
  })
  .map((shape) => ({ ...shape, pcpus: Math.min(shape.cpus, shape.pcpus) }) as const);

describe('planMachine', () => {
  test('gives everything a place of its own within linear memory', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const plan = planMachine(shape);
        const all = areas(plan).sort((one, other) => one.from - other.from);
        expect(all[0]?.from).toBeGreaterThan(0);
        for (const [index, { from, bytes }] of all.entries()) {
          expect(from % 64, 'starts on a cache line').toBe(0);
          expect(from + bytes).toBeLessThanOrEqual(all[index + 1]?.from ?? plan.pages * 65_536);
        }
        expect(plan.kind === 'domain' ? plan.vcpus : plan.hartWords).toHaveLength(shape.cpus);
        expect(plan.harts).toHaveLength(shape.pcpus);
        expect(plan.ram).toMatchObject({ base: RAM_BASE, size: shape.ramBytes });
        expect(plan.ram.offset % (2 * MIB)).toBe(0);
      }),
    );
  });

  test('says when linear memory is too small, and how much fits', () => {
    const shape = { kind: 'domain', cpus: 4, pcpus: 2 } as const;
    const most = maximumMemory(shape);
    expect(most % MIB).toBe(0);
    expect(most).toBeGreaterThan(3 * 1024 * MIB);
    expect(planMachine({ ...shape, ramBytes: most }).pages).toBeLessThanOrEqual(65_536);
    expect(() => planMachine({ ...shape, ramBytes: most + MIB })).toThrow('4 GiB is the limit');
  });
});

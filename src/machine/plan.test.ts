import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryMap } from '../boot/machine-tree.ts';
import { Clint } from '../devices/clint/device.ts';
import { GoldfishRtc } from '../devices/goldfish-rtc/device.ts';
import { Plic } from '../devices/plic/device.ts';
import { Uart16550 } from '../devices/uart16550/device.ts';
import { hartAreaBytes } from '../hart/area.ts';
import { Scheduler } from '../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../hypervisor/software-events.ts';
import { VCPU_AREA_BYTES } from '../hypervisor/vcpu-layout.ts';
import { CONTROL_BYTES } from './control.ts';
import { type MachinePlan, maximumMemory, planMachine, plicContexts } from './plan.ts';

const MIB = 2 ** 20;

/** Every area of a plan: where it begins, and how long it is. */
function areas(plan: MachinePlan): { from: number; bytes: number }[] {
  const words = (from: number, count: number) => ({ from, bytes: count * 4 });
  return [
    { from: plan.control, bytes: CONTROL_BYTES },
    words(plan.uart, Uart16550.WORDS),
    words(plan.plic, Plic.wordsFor(plicContexts(plan))),
    words(plan.rtc, GoldfishRtc.WORDS),
    words(plan.clint, Clint.wordsFor(plan.cpus)),
    words(plan.scheduler, Scheduler.wordsFor(plan.cpus)),
    words(plan.events, SoftwareEvents.wordsFor(plan.cpus)),
    ...plan.vcpus.map((from) => ({ from, bytes: VCPU_AREA_BYTES })),
    ...plan.harts.map((from) => ({ from, bytes: hartAreaBytes(plan.codePages) })),
    { from: plan.ram.offset, bytes: plan.ram.size },
  ];
}

const shapes = fc
  .record({
    kind: fc.constantFrom('domain', 'bare'),
    cpus: fc.integer({ min: 1, max: 64 }),
    pcpus: fc.integer({ min: 1, max: 8 }),
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
        expect(plan.vcpus).toHaveLength(shape.cpus);
        expect(plan.harts).toHaveLength(shape.pcpus);
        expect(plan.ram).toMatchObject({ base: memoryMap.ramBase, size: shape.ramBytes });
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

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bus } from '../bus.ts';
import type { BusWidth } from '../device.ts';
import { Imsic } from '../imsic/device.ts';
import { IMSIC } from '../imsic/facts.ts';
import { Aplic } from './device.ts';
import { APLIC } from './facts.ts';
import { MAP } from './registers.ts';

const HARTS = 3;
const GUESTS = 2;
const APLIC_BASE = 0xc00_0000;
const IMSIC_BASE = 0x2400_0000;
/** Words behind those of each device, which nothing may touch. */
const GUARD_WORDS = 64;
const CANARY = 0x5a5a_5a5a;

function guarded(count: number): { readonly own: Int32Array; readonly untouched: () => boolean } {
  const all = new Int32Array(new SharedArrayBuffer(4 * (count + GUARD_WORDS))).fill(CANARY, count);
  return {
    own: all.subarray(0, count),
    untouched: () => all.subarray(count).every((word) => word === CANARY),
  };
}

/** Both devices on a bus, as a machine wires them. */
function rig(messages: boolean) {
  const imsicWords = guarded(Imsic.wordsFor(HARTS, 2 + GUESTS));
  const aplicWords = guarded(Aplic.wordsFor(2, HARTS));
  const told = new Set<number>();
  const imsic = new Imsic(imsicWords.own, {
    harts: HARTS,
    levels: ['machine', 'supervisor'],
    guests: GUESTS,
    onArrival: (hart) => told.add(hart),
  });
  const msi = {
    send: (address: number, data: number) => imsic.receive(address - IMSIC_BASE, data),
    supervisorPage: (hart: number) => IMSIC_BASE + imsic.supervisorPage(hart),
  };
  const aplic = new Aplic(aplicWords.own, {
    harts: HARTS,
    domains: ['machine', 'supervisor'],
    delivery: messages ? { msi, guests: GUESTS } : { onChange: (_domain, hart) => told.add(hart) },
  });
  const bus = new Bus();
  bus.attach(APLIC_BASE, aplic);
  bus.attach(IMSIC_BASE, imsic);
  return { bus, aplic, told, untouched: () => imsicWords.untouched() && aplicWords.untouched() };
}

const within = (base: number, size: number) => fc.nat(size - 1).map((offset) => base + offset);
const addresses = fc.oneof(
  ...[0, APLIC.supervisorAt].flatMap((domain) => [
    within(APLIC_BASE + domain, APLIC.domainSize),
    within(APLIC_BASE + domain + MAP.MSIADDRCFG, 0x440),
    within(APLIC_BASE + domain + MAP.GENMSI, 0x20),
    within(APLIC_BASE + domain + MAP.IDC, 0x80),
  ]),
  within(IMSIC_BASE, HARTS * 0x1000),
  within(IMSIC_BASE + IMSIC.supervisorAt, HARTS * 0x4000),
);
const steps = fc.array(
  fc.record({
    address: fc
      .tuple(addresses, fc.boolean())
      .map(([address, aligned]) => (aligned ? address & ~3 : address)),
    width: fc.constantFrom<BusWidth>(1, 2, 4, 4, 4, 8),
    low: fc.oneof(fc.integer(), fc.integer({ min: -1, max: 100 }), fc.constantFrom(6, 0x400, 0x104)),
    write: fc.boolean(),
    wire: fc.integer({ min: 1, max: APLIC.sources }),
  }),
  { minLength: 50, maxLength: 300 },
);

test.each([true, false])(
  'whatever a guest writes, of any width, devices and their words stay whole (%s)',
  (messages) => {
    fc.assert(
      fc.property(steps, (list) => {
        const { bus, aplic, told, untouched } = rig(messages);
        for (const { address, width, low, write, wire } of list) {
          const answered = write ? bus.write(address, width, low, low) : bus.read(address, width);
          expect(answered).toBe(width === 4 && address % 4 === 0);
          if (answered && !write) expect(bus.low).toBe(bus.low >>> 0);
          aplic.line(wire).set(low > 0);
        }
        expect(untouched()).toBe(true);
        expect([...told].every((hart) => hart >= 0 && hart < HARTS)).toBe(true);
      }),
      { numRuns: 100 },
    );
  },
);

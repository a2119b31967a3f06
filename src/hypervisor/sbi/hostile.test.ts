import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RAM } from '../../../test/hypervisor/domain-bed.ts';
import { EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { deliverEvent } from '../deliver-event.ts';
import { beginSteal, endSteal } from '../steal-time.ts';
import { SBI } from './index.ts';

const RAM_END = RAM + (1 << 20);
/** Around everything that a call looks at: RAM and its alignments, events, attributes, counters, harts, flags. */
const CORNERS = [
  0n,
  1n,
  2n,
  3n,
  4n,
  8n,
  9n,
  10n,
  18n,
  19n,
  63n,
  64n,
  0xf_0005n,
  0x8000_0000n,
  0xffff_0000n,
  0xffff_8000n,
  0xffff_ffffn,
  1n << 32n,
  1n << 63n,
  -1n,
  BigInt(RAM),
  BigInt(RAM + 0x1000),
  BigInt(RAM + 0x1001),
  BigInt(RAM_END - 4096),
  BigInt(RAM_END - 64),
  BigInt(RAM_END - 8),
  BigInt(RAM_END - 1),
  BigInt(RAM_END),
];

const argument = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...CORNERS) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }) },
);
const calls = fc.array(
  fc.record({
    extension: fc.constantFrom(...Object.values(EID)),
    id: fc.integer({ min: 0, max: 11 }),
    args: fc.tuple(argument, argument, argument, argument, argument, argument),
  }),
  { minLength: 10, maxLength: 40 },
);

test('whatever a guest asks for, it gets an answer, and nothing outside of its memory changes', () => {
  const bed = new SbiBed(3);
  bed.loadVcpu(1, 1);
  // Control words and devices lie before everything that calls may change.
  const before = bed.bytes.slice(0, bed.plan.scheduler);
  const errors: ReadonlySet<number> = new Set(Object.values(SBI));
  fc.assert(
    fc.property(calls, (row) => {
      for (const [index, { extension, id, args }] of row.entries()) {
        const vcpu = index % 2;
        const made = bed.callOf(vcpu, extension, id, ...args);
        expect(errors).toContain(made.error);
        const hart = bed.harts[vcpu] ?? bed.hart;
        deliverEvent(hart, vcpu, bed.events);
        const { firmware } = bed.vcpus[vcpu] ?? bed.vcpu;
        beginSteal(firmware, bed.ram, index);
        endSteal(firmware, bed.ram, index + 1);
      }
    }),
    { numRuns: 150, seed: 21 },
  );
  expect(Buffer.compare(bed.bytes.slice(0, bed.plan.scheduler), before)).toBe(0);
});

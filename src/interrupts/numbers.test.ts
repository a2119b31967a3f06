import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  hvipToVsBits,
  IRQ_PMU_OVF,
  IRQ_VS_EXT,
  IRQ_VS_SOFT,
  IRQ_VS_TIMER,
  interruptNumbers,
  NR_IRQS,
  validate,
  vsBitsToHvip,
} from './numbers.ts';

const plain = interruptNumbers();
const accepted = (numbers: ReturnType<typeof interruptNumbers>) =>
  Array.from({ length: NR_IRQS }, (_, irq) => irq).filter((irq) => {
    try {
      validate(numbers, irq);
      return true;
    } catch {
      return false;
    }
  });

test('scenario 2: without extensions exactly software, timer and external interrupts are accepted', () => {
  expect(accepted(plain)).toEqual([IRQ_VS_SOFT, IRQ_VS_TIMER, IRQ_VS_EXT]);
});

test('scenario 3: LCOFI is accepted only when the vCPU has it, and keeps bit 13 in vsip', () => {
  expect(() => validate(plain, IRQ_PMU_OVF)).toThrow('This vCPU has no interrupt number 13; it has 2, 6, 10');
  const lcofi = interruptNumbers({ lcofi: true });
  expect(accepted(lcofi)).toEqual([2, 6, 10, 13]);
  expect(lcofi.guestWritableLo).toBe((1 << 2) | (1 << 13));
  expect(hvipToVsBits(1 << 13)).toBe(1 << 13);
  expect(vsBitsToHvip(1 << 13)).toBe(1 << 13);
});

test.each([64, 65, 1000, 2 ** 31, 2 ** 32 - 1, 2 ** 32 + 2, -1, -62, 1.5, 2.5, Number.NaN, Infinity])(
  'scenario 4: %s is no interrupt number, even where all are allowed',
  (irq) => {
    const all = interruptNumbers({ edges: Array.from({ length: 51 }, (_, index) => index + 13) });
    expect(() => validate(plain, irq)).toThrow(RangeError);
    expect(() => validate(all, irq)).toThrow(`This vCPU has no interrupt number ${irq}`);
  },
);

test('scenarios 71 and 72: numbers from 32 need AIA; 31, 32 and 63 land in the right word without a sign', () => {
  expect(() => validate(plain, 40)).toThrow(RangeError);
  const aia = interruptNumbers({ edges: [31, 32], levels: [63] });
  expect(accepted(aia)).toEqual([2, 6, 10, 31, 32, 63]);
  expect(aia).toEqual({
    allowedLo: 0x8000_0444,
    allowedHi: 0x8000_0001,
    guestWritableLo: 0x8000_0004,
    guestWritableHi: 1,
  });
});

test.each([0, 5, 12, 64, -1, 13.5, Number.NaN])('%s cannot be added by an extension', (irq) => {
  expect(() => interruptNumbers({ levels: [irq] })).toThrow(/integer from 13 to 63/);
});

test('an interrupt is an edge or a level, not both', () => {
  expect(() => interruptNumbers({ lcofi: true, levels: [13] })).toThrow(/Interrupt 13 cannot be both/);
});

test('vsie and hvip positions differ for 1, 5 and 9 only', () => {
  expect(vsBitsToHvip(0x222)).toBe(0x444);
  expect(hvipToVsBits(0x444)).toBe(0x222);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (bits) => {
      const valid = (bits & 0xffff_e222) >>> 0;
      expect(hvipToVsBits(vsBitsToHvip(bits))).toBe(valid);
    }),
  );
});

test('kinds of numbers that do not exist are refused', () => {
  const edge: object = { edge: [40] };
  expect(() => interruptNumbers(edge)).toThrow(
    new RangeError('edge: there is no such kind of interrupts; give lcofi, edges or levels'),
  );
});

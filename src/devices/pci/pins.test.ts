import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PCI } from './facts.ts';
import { PciPins, wireOf } from './pins.ts';

test('a wire is up while the pin of any of its slots is', () => {
  const change = fc.record({ slot: fc.nat(PCI.slots - 1), level: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const levels = Array.from({ length: PCI.wires }, () => false);
      const calls: boolean[] = [];
      const wires = levels.map((_, wire) => ({
        set: (level: boolean) => {
          levels[wire] = level;
          calls.push(level);
        },
      }));
      const pins = new PciPins(new Int32Array(new SharedArrayBuffer(4 * PciPins.WORDS)), wires);
      const up = new Set<number>();
      for (const { slot, level } of changes) {
        const before = [...levels];
        calls.length = 0;
        pins.pin(slot).set(level);
        if (level) up.add(slot);
        else up.delete(slot);
        const expected = levels.map((_, wire) => [...up].some((each) => wireOf(each) === wire));
        expect(levels).toEqual(expected);
        // Wires that stay as they are do not bother the interrupt controller.
        expect(calls.length).toBe(before.filter((was, wire) => was !== expected[wire]).length);
      }
    }),
  );
});

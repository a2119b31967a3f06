import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AccessWidth } from '../device.ts';
import { PciConfigSpace } from './config-space.ts';
import { COMMAND, CONFIG } from './registers.ts';

const identity = {
  vendor: 0x1af4,
  device: 0x1042,
  revision: 1,
  class: 0x01_00_00,
  subsystemVendor: 0x1af4,
  subsystem: 0x1100,
};

function create() {
  const words = new Int32Array(PciConfigSpace.WORDS);
  return new PciConfigSpace(words, identity, 0x8000, [
    { id: 0x09, body: Uint8Array.of(1, 2, 3) },
    { id: 0x11, body: Uint8Array.of(7, 0, 9), writable: Uint8Array.of(0, 0xc0) },
  ]);
}

test('says what the function is', () => {
  const space = create();
  expect(space.read(CONFIG.VENDOR_ID, 4)).toBe(0x1042_1af4);
  expect(space.read(CONFIG.REVISION, 4)).toBe(0x0100_0001);
  expect(space.read(CONFIG.SUBSYSTEM_VENDOR_ID, 4)).toBe(0x1100_1af4);
  expect(space.read(CONFIG.INTERRUPT_PIN, 1)).toBe(1);
  expect(space.read(CONFIG.STATUS, 2)).toBe(0x10);
});

test('lists its capabilities, each at a multiple of four', () => {
  const space = create();
  const first = space.read(CONFIG.CAPABILITIES, 1);
  const second = space.read(first + 1, 1);
  expect([first, second, space.read(second + 1, 1)]).toEqual([0x40, 0x48, 0]);
  expect(space.places).toEqual([first, second]);
  expect([space.read(first, 1), space.read(second, 1)]).toEqual([0x09, 0x11]);
  expect(space.read(first + 2, 2)).toBe(0x0201);
});

test('tells the size of its window to whoever writes ones, and takes only places that are multiples of it', () => {
  const space = create();
  space.write(CONFIG.BAR, 4, 0xffff_ffff);
  expect(space.read(CONFIG.BAR, 4)).toBe(0xffff_8000);
  space.write(CONFIG.BAR, 4, 0x4001_2345);
  expect(space.read(CONFIG.BAR, 4)).toBe(0x4001_0000);
  expect(space.windowAt()).toBeUndefined();
  space.write(CONFIG.COMMAND, 2, COMMAND.MEMORY);
  expect(space.windowAt()).toBe(0x4001_0000);
  // There are no other windows, and no ROM.
  for (const offset of [0x14, 0x18, 0x1c, 0x20, 0x24, 0x30]) {
    space.write(offset, 4, 0xffff_ffff);
    expect(space.read(offset, 4)).toBe(0);
  }
});

test('a capability changes only in the bits that are meant to', () => {
  const space = create();
  space.write(0x4a, 2, 0xffff);
  expect(space.read(0x4a, 2)).toBe(0xc007);
  space.write(0x42, 2, 0xffff);
  expect(space.read(0x42, 2)).toBe(0x0201);
});

test('bytes, halves and words are views of the same, whatever was written', () => {
  const width = fc.constantFrom<AccessWidth[]>(1, 2, 4);
  const access = fc.record({ width, index: fc.nat(0x3ff), value: fc.nat(0xffff_ffff) });
  fc.assert(
    fc.property(fc.array(access, { maxLength: 40 }), (accesses) => {
      const space = create();
      const fixed = create();
      for (const { width, index, value } of accesses)
        space.write((index * 4) & -width & 0xfff, width, value % 2 ** (8 * width));
      for (let offset = 0; offset < 0x200; offset += 4) {
        const bytes = [0, 1, 2, 3].map((at) => space.read(offset + at, 1));
        const word = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
        expect(space.read(offset, 4)).toBe(word);
        expect(space.read(offset, 2) + space.read(offset + 2, 2) * 65536).toBe(word);
      }
      for (const offset of [
        CONFIG.VENDOR_ID,
        CONFIG.REVISION,
        CONFIG.SUBSYSTEM_VENDOR_ID,
        CONFIG.CAPABILITIES,
      ])
        expect(space.read(offset, 4)).toBe(fixed.read(offset, 4));
    }),
  );
});

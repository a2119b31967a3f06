import { beforeEach, expect, test, vi } from 'vitest';
import type { AccessWidth } from '../device.ts';
import { PciHost } from './device.ts';
import { PCI } from './facts.ts';

function create(base: number | undefined) {
  return {
    name: 'function',
    size: 0x1000,
    readConfig: vi.fn((offset: number, _width: AccessWidth) => offset),
    writeConfig: vi.fn(),
    read: vi.fn((offset: number, _width: AccessWidth) => offset),
    write: vi.fn(),
    windowAt: () => base,
  };
}
let one: ReturnType<typeof create>;
let hidden: ReturnType<typeof create>;
let host: PciHost;
const memory = (address: number) => PCI.ecamSize + address - PCI.memory;

beforeEach(() => {
  one = create(PCI.memory + 0x2000);
  hidden = create(undefined);
  host = new PciHost([
    { number: 1, lane: 0, function: one },
    { number: 3, lane: 0, function: hidden },
  ]);
});

test('configuration spaces are 4 KiB for each function of each slot of each bus', () => {
  expect(host.read((1 << 15) + 0x123, 1)).toBe(0x123);
  host.write((3 << 15) + 0x10, 4, 7);
  expect(hidden.writeConfig).toHaveBeenCalledExactlyOnceWith(0x10, 4, 7);
  // No function in the slot, another function of a slot, another bus.
  for (const offset of [2 << 15, (1 << 15) + (1 << 12), (1 << 20) + (1 << 15)]) {
    expect([host.read(offset, 1), host.read(offset, 2), host.read(offset, 4)]).toEqual([
      0xff, 0xffff, 0xffff_ffff,
    ]);
    host.write(offset, 4, 1);
  }
  expect(one.writeConfig).not.toHaveBeenCalled();
});

test('memory reaches the function whose window is there', () => {
  expect(host.read(memory(PCI.memory + 0x2ffc), 4)).toBe(0xffc);
  host.write(memory(PCI.memory + 0x2000), 2, 5);
  expect(one.write).toHaveBeenCalledExactlyOnceWith(0, 2, 5);
  for (const address of [PCI.memory, PCI.memory + 0x1fff, PCI.memory + 0x3000]) {
    expect(host.read(memory(address), 1)).toBe(0xff);
    host.write(memory(address), 1, 5);
  }
  expect([one.write.mock.calls.length, hidden.write.mock.calls.length]).toEqual([1, 0]);
});

test('its addresses are those of QEMU: configuration spaces, then memory', () => {
  expect(host.windows).toEqual([
    { offset: 0, size: 0x1000_0000 },
    { offset: 0x1000_0000, size: 0x4000_0000 },
  ]);
});

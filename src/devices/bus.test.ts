import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bus } from './bus.ts';
import type { Device } from './device.ts';

interface Spy extends Device {
  readonly log: string[];
}

function makeSpy(size: number, extra: Partial<Device> = {}): Spy {
  const log: string[] = [];
  return {
    name: 'spy',
    size,
    log,
    read(offset, width) {
      log.push(`read ${offset} ${width}`);
      return 0x100 + offset;
    },
    write(offset, width, value) {
      log.push(`write ${offset} ${width} ${value.toString(16)}`);
    },
    ...extra,
  };
}

function busWith(device: Device, base = 0x1000): Bus {
  const bus = new Bus();
  bus.attach(base, device);
  return bus;
}

test('offsets count from the base, also far above 4 GiB', () => {
  for (const base of [0, 0x1000, 2 ** 45]) {
    const spy = makeSpy(0x100);
    const bus = busWith(spy, base);
    expect([bus.read(base + 4, 4), bus.low, bus.high]).toEqual([true, 0x104, 0]);
    expect(bus.write(base + 0xff, 1, 0xabcd)).toBe(true);
    expect(spy.log).toEqual(['read 4 4', 'write 255 1 cd']);
  }
});

test('values reach the device unsigned and cut to the width', () => {
  const spy = makeSpy(0x100);
  const bus = busWith(spy);
  bus.write(0x1000, 1, -1);
  bus.write(0x1000, 2, -1);
  bus.write(0x1000, 4, -1);
  bus.write(0x1000, 8, -1, -2);
  expect(spy.log).toEqual([
    'write 0 1 ff',
    'write 0 2 ffff',
    'write 0 4 ffffffff',
    'write 0 4 ffffffff',
    'write 4 4 fffffffe',
  ]);
});

test('double words are split, low first, or handed over whole', () => {
  const plain = makeSpy(0x100);
  const bus = busWith(plain);
  expect([bus.read(0x1008, 8), bus.low, bus.high]).toEqual([true, 0x108, 0x10c]);
  expect(plain.log).toEqual(['read 8 4', 'read 12 4']);

  const halves: number[] = [];
  const whole = busWith(
    makeSpy(0x100, {
      read64(offset, into) {
        into.low = offset;
        into.high = 7;
      },
      write64: (offset, lo, hi) => halves.push(offset, lo, hi),
    }),
  );
  expect([whole.read(0x1008, 8), whole.low, whole.high]).toEqual([true, 8, 7]);
  whole.write(0x1010, 8, -1, 5);
  expect(halves).toEqual([16, 0xffff_ffff, 5]);
});

test('what nobody answers is refused without touching a device', () => {
  const spy = makeSpy(0xe, { widths: 2 | 4 });
  const bus = busWith(spy);
  const refused: [number, 1 | 2 | 4 | 8][] = [
    [0xfff, 1],
    [0xffe, 4],
    [0x100e, 2],
    [0x100c, 4],
    [0x1000, 1],
    [0x1000, 8],
    [0x1001, 2],
    [0x1002, 4],
    [-4, 4],
    [Number.NaN, 4],
    [Number.POSITIVE_INFINITY, 4],
    [0x1000 + 0.5, 4],
  ];
  for (const [address, width] of refused) {
    expect([address, bus.read(address, width), bus.write(address, width, 1)]).toEqual([
      address,
      false,
      false,
    ]);
  }
  expect(spy.log).toEqual([]);
});

test('windows may touch but not overlap or leave the address space', () => {
  const bus = busWith(makeSpy(0x100));
  bus.attach(0x1100, makeSpy(0x100));
  bus.attach(0xf00, makeSpy(0x100));
  for (const [base, size] of [
    [0x10ff, 1],
    [0xe00, 0x101],
    [0, 0x10000],
  ] as const) {
    expect(() => bus.attach(base, makeSpy(size))).toThrow(/overlaps spy at 0x/);
  }
  for (const base of [-1, 0.5, Number.NaN, 2 ** 53])
    expect(() => bus.attach(base, makeSpy(4))).toThrow(/no window/);
  expect(() => bus.attach(0, makeSpy(0))).toThrow(/no window/);
  expect([...bus.devices()].map(({ base }) => base)).toEqual([0x1000, 0x1100, 0xf00]);
});

test('every access goes to the window that holds it, whatever was accessed before', () => {
  const starts = [0, 0x20, 0x30, 0x80];
  const bus = new Bus();
  const spies = starts.map((start) => {
    const spy = makeSpy(0x10);
    bus.attach(start, spy);
    return spy;
  });
  fc.assert(
    fc.property(fc.array(fc.nat(0xa0)), (addresses) => {
      for (const address of addresses) {
        const index = starts.findIndex((start) => address >= start && address < start + 0x10);
        for (const spy of spies) spy.log.length = 0;
        expect(bus.read(address, 1)).toBe(index >= 0);
        const logs = spies.map((_, spy) => (spy === index ? [`read ${address - starts[spy]} 1`] : []));
        expect(spies.map((spy) => spy.log)).toEqual(logs);
      }
    }),
  );
});

import { beforeEach, describe, expect, test } from 'vitest';
import { createRam, RAM, RAM_BYTES } from '../../../test/devices/virtio-driver.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import { Bus } from '../bus.ts';
import type { BusWidth } from '../device.ts';
import { FwCfg } from './device.ts';
import { describe as describeMachine } from './items.ts';
import { CONTROL, REG } from './registers.ts';

const BASE = 0x1010_0000;
const ITEM = 0x20;
const CONTENT = Uint8Array.from({ length: 11 }, (_, index) => index + 1);

let memory: GuestMemory;
let bus: Bus;
let device: FwCfg;

beforeEach(() => {
  memory = createRam();
  device = new FwCfg(
    new Int32Array(new SharedArrayBuffer(4 * FwCfg.WORDS)),
    new Map([[ITEM, CONTENT]]),
    memory,
  );
  bus = new Bus();
  bus.attach(BASE, device);
});

function get(offset: number, width: BusWidth): bigint {
  expect(bus.read(BASE + offset, width)).toBe(true);
  return (BigInt(bus.high) << 32n) | BigInt(bus.low);
}

function select(item: number): void {
  bus.write(BASE + REG.SELECTOR, 2, ((item & 0xff) << 8) | (item >> 8));
}

describe('the data register', () => {
  test('gives the bytes of an item in the order of memory, at any width, and zeroes behind them', () => {
    select(ITEM);
    expect([get(0, 1), get(0, 2), get(0, 4), get(4, 2)]).toEqual([1n, 0x0302n, 0x0706_0504n, 0x0908n]);
    expect([get(0, 4), get(0, 8)]).toEqual([0x0b0an, 0n]);
    select(ITEM | 0x4000);
    expect(get(0, 8)).toBe(0x0807_0605_0403_0201n);
    expect(get(0, 8)).toBe(0x0b_0a09n);
  });

  test('is empty for items that there are not, and cannot be written', () => {
    for (const item of [0, 0x21, 0x8020, 0xffff]) {
      select(item);
      expect(get(0, 8)).toBe(0n);
    }
    select(ITEM);
    for (const width of [1, 2, 4, 8] as const) bus.write(BASE, width, 0xff, 0xff);
    expect(get(0, 1)).toBe(1n);
  });

  test('of another thread goes on where it was', () => {
    select(ITEM);
    get(0, 4);
    const saved = structuredClone(device.save());
    device.reset();
    expect(get(0, 1)).toBe(0n);
    device.restore(saved);
    expect(get(0, 1)).toBe(5n);
  });
});

test('the selector takes two bytes, and shows nothing', () => {
  select(ITEM);
  bus.write(BASE + REG.SELECTOR, 1, 0xff);
  bus.write(BASE + REG.SELECTOR, 4, 0xff);
  expect([get(REG.SELECTOR, 2), get(0, 1)]).toEqual([0n, 1n]);
});

test('the DMA register shows its signature', () => {
  expect(get(REG.DMA, 8)).toBe(0x4746_4320_554d_4551n);
  expect([get(REG.DMA, 4), get(REG.DMA + 4, 2)]).toEqual([0x554d_4551n, 0x4320n]);
});

describe('a request', () => {
  const REQUEST = RAM + 0x100;
  const BUFFER = RAM + 0x200;

  /** @returns its control, afterwards */
  function request(control: number, length: number, address = BUFFER, at = REQUEST): number | undefined {
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setUint32(0, control);
    bytes.setUint32(4, length);
    bytes.setBigUint64(8, BigInt(address));
    memory.copyIn(at, new Uint8Array(bytes.buffer));
    const pointer = new DataView(new ArrayBuffer(8));
    pointer.setBigUint64(0, BigInt(at));
    bus.write(BASE + REG.DMA, 8, pointer.getUint32(0, true), pointer.getUint32(4, true));
    const result = memory.copyOut(at, 4);
    return result === undefined ? undefined : new DataView(result.buffer).getUint32(0);
  }

  const selecting = (item: number, control: number) => (item << 16) | CONTROL.SELECT | control;

  test('selects, skips and reads', () => {
    expect(request(selecting(ITEM, CONTROL.READ), 2)).toBe(0);
    expect(request(CONTROL.SKIP, 3)).toBe(0);
    expect(request(CONTROL.READ, 3, BUFFER + 2)).toBe(0);
    expect(memory.copyOut(BUFFER, 6)).toEqual(Uint8Array.of(1, 2, 6, 7, 8, 0));
    expect(get(0, 1)).toBe(9n);
    expect(request(CONTROL.SKIP, 0xffff_ffff)).toBe(0);
    expect(get(0, 1)).toBe(0n);
  });

  test('reads zeroes behind the end of an item, as many as it wants', () => {
    const length = RAM_BYTES - 0x200;
    memory.copyIn(BUFFER, new Uint8Array(length).fill(0xff));
    expect(request(selecting(ITEM, CONTROL.READ), length)).toBe(0);
    expect(memory.copyOut(BUFFER, length)).toEqual(
      new Uint8Array([...CONTENT, ...new Uint8Array(length - 11)]),
    );
    expect(request(selecting(0x77, CONTROL.READ), 4)).toBe(0);
  });

  test.each([
    ['a write', selecting(ITEM, CONTROL.WRITE), 1, BUFFER],
    ['a read to the end of RAM and on', selecting(ITEM, CONTROL.READ), 0xffff_ffff, BUFFER],
    ['a read to an address below RAM', selecting(ITEM, CONTROL.READ), 1, 0],
    ['a read to an address that is exact nowhere', selecting(ITEM, CONTROL.READ), 1, 2 ** 60],
  ])('says that there was an error: %s', (_, control, length, address) => {
    expect(request(control, length, address)).toBe(CONTROL.ERROR);
  });

  test('that is not in RAM does nothing; one that is there in part says that there was an error', () => {
    expect(request(selecting(ITEM, CONTROL.READ), 1, BUFFER, 0x1000)).toBeUndefined();
    memory.write32(RAM + RAM_BYTES - 4, 0);
    expect(request(selecting(ITEM, CONTROL.READ), 1, BUFFER, RAM + RAM_BYTES - 4)).toBe(CONTROL.ERROR);
    expect(memory.read8(BUFFER)).toBe(0);
  });
});

test('a machine is described by the items that QEMU has too, and by files', () => {
  const items = describeMachine({ kind: 'bare', cpus: 3, ramBytes: 0x1_2345_0000 });
  expect(items.get(0)).toEqual(new TextEncoder().encode('QEMU'));
  expect(items.get(1)).toEqual(Uint8Array.of(3, 0, 0, 0));
  expect(items.get(3)).toEqual(Uint8Array.of(0, 0, 0x45, 0x23, 1, 0, 0, 0));
  expect(items.get(5)).toEqual(Uint8Array.of(3, 0));
  const directory = items.get(0x19) ?? new Uint8Array();
  expect(directory.length).toBe(4 + 64 * directory[3]);
  expect(new TextDecoder().decode(items.get(0x20))).toBe('bare\n');
});

import { beforeEach, describe, expect, test } from 'vitest';
import {
  BUFFERS,
  createRig,
  RAM,
  RING,
  type Rig,
  VirtioDriver,
} from '../../../test/devices/virtio-driver.ts';
import type { AccessWidth } from '../device.ts';
import { scatter } from './chain.ts';
import { DEVICE_STATUS, FEATURE, INTERRUPT, REG } from './registers.ts';

const OWN_FEATURE = 1 << 3;
const READY = DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER | DEVICE_STATUS.FEATURES_OK;

let notified: number[] = [];
let resets = 0;
let rig: Rig;
let config = new Uint8Array();

/** A device that fills buffers with 7s, and has a queue that it leaves alone. */
function create(withoutVersion = false): Rig {
  notified = [];
  resets = 0;
  config = new Uint8Array([1, 2, 3, 4, 5, 6]);
  const value = (offset: number, width: AccessWidth) =>
    config.slice(offset, offset + width).reduceRight((sum, byte) => sum * 256 + byte, 0);
  return createRig(
    (memory) => ({
      name: 'sevens',
      id: 42,
      features: OWN_FEATURE,
      withoutVersion,
      config: {
        size: config.length,
        read: value,
        write: (offset, width, written) => {
          for (let at = 0; at < width; at++) config[offset + at] = written >>> (8 * at);
        },
      },
      notify: (queue, index) => {
        notified.push(index);
        if (index !== 0) return;
        for (let left = queue.listen(); left > 0; left--) {
          const chain = queue.pop();
          if (chain !== undefined)
            queue.push(chain, scatter(memory, chain.writable, new Uint8Array(8).fill(7)));
        }
      },
      reset: () => resets++,
    }),
    [8, 64],
  );
}

beforeEach(() => {
  rig = create();
});

describe('registers', () => {
  const get = (offset: number, width: AccessWidth = 4) => rig.device.read(offset, width);
  const put = (offset: number, value: number, width: AccessWidth = 4) =>
    rig.device.write(offset, width, value);

  test('say which device this is', () => {
    expect(
      [REG.MAGIC, REG.VERSION, REG.DEVICE_ID, REG.CONFIG_GENERATION].map((offset) => get(offset)),
    ).toEqual([0x7472_6976, 2, 42, 0]);
  });

  test('answer whole words only, and all ones for shared memory', () => {
    expect([get(REG.MAGIC, 1), get(REG.MAGIC, 2), get(0x0fe, 2)]).toEqual([0, 0, 0]);
    put(REG.STATUS, 1, 1);
    expect(get(REG.STATUS)).toBe(0);
    expect([0xb0, 0xb4, 0xb8, 0xbc].map((offset) => get(offset))).toEqual(Array(4).fill(0xffff_ffff));
    const writable = [
      REG.DRIVER_FEATURES,
      REG.QUEUE_NUM,
      REG.QUEUE_NOTIFY,
      REG.INTERRUPT_ACK,
      REG.QUEUE_DESC,
    ];
    expect(writable.map((offset) => get(offset))).toEqual([0, 0, 0, 0, 0]);
  });

  test('offer the features of device, queues and transport', () => {
    const features = [0, 1, 2, 0xffff_ffff].map((select) => {
      put(REG.DEVICE_FEATURES_SEL, select);
      return get(REG.DEVICE_FEATURES);
    });
    expect(features).toEqual([OWN_FEATURE | FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX, 1, 0, 0]);
  });

  test('tell of two queues', () => {
    const sizes = [0, 1, 2, 0xffff_ffff].map((select) => {
      put(REG.QUEUE_SEL, select);
      return [get(REG.QUEUE_NUM_MAX), get(REG.QUEUE_READY)];
    });
    expect(sizes).toEqual([
      [8, 0],
      [64, 0],
      [0, 0],
      [0, 0],
    ]);
    put(REG.QUEUE_SEL, 2);
    put(REG.QUEUE_READY, 1);
    expect(get(REG.QUEUE_READY)).toBe(0);
    expect(get(REG.STATUS)).toBe(0);
  });

  test('show the configuration space at each width, and all ones behind it', () => {
    expect([get(0x100), get(0x102, 2), get(0x105, 1)]).toEqual([0x0403_0201, 0x0403, 6]);
    expect([get(0x104), get(0x106, 2), get(0xfff, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
    put(0x104, 0xaabb, 2);
    put(0x104, 0x1234_5678);
    expect([...config]).toEqual([1, 2, 3, 4, 0xbb, 0xaa]);
  });
});

describe('negotiation', () => {
  const choose = (low: number, high: number): number => {
    const driver = new VirtioDriver(rig, { size: 8, start: false });
    driver.put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER);
    for (const [select, value] of [low, high, 0xdead].entries()) {
      driver.put(REG.DRIVER_FEATURES_SEL, select);
      driver.put(REG.DRIVER_FEATURES, value);
    }
    driver.put(REG.STATUS, READY);
    return driver.status;
  };

  test.each([
    [0, 1, READY],
    [OWN_FEATURE | FEATURE.EVENT_IDX, 1, READY],
    // Not offered.
    [1, 1, READY & ~DEVICE_STATUS.FEATURES_OK],
    [0, 3, READY & ~DEVICE_STATUS.FEATURES_OK],
    // A driver of the time before virtio 1.0.
    [0, 0, READY & ~DEVICE_STATUS.FEATURES_OK],
  ])('of features 0x%x and 0x%x ends with status %i', (low, high, status) => {
    expect(choose(low, high)).toBe(status);
  });

  test.each([
    [0, 0, READY],
    [1, 0, READY & ~DEVICE_STATUS.FEATURES_OK],
    [0, 2, READY & ~DEVICE_STATUS.FEATURES_OK],
  ])(
    'of features 0x%x and 0x%x ends with status %i where requests need no VERSION_1',
    (low, high, status) => {
      rig = create(true);
      expect(choose(low, high)).toBe(status);
    },
  );

  test('is over with FEATURES_OK', () => {
    choose(0, 1);
    const driver = new VirtioDriver(rig, { size: 8, start: false });
    driver.put(REG.DRIVER_FEATURES_SEL, 0);
    driver.put(REG.DRIVER_FEATURES, FEATURE.INDIRECT_DESC);
    driver.makeReady();
    driver.put(REG.STATUS, READY | DEVICE_STATUS.DRIVER_OK);
    expect(driver.status).toBe(READY | DEVICE_STATUS.DRIVER_OK);
    driver.add([{ address: BUFFERS, length: 8, write: true }], 0);
    driver.notify();
    expect(driver.status & DEVICE_STATUS.NEEDS_RESET).toBe(DEVICE_STATUS.NEEDS_RESET);
  });

  test('bits of the status stay until a reset; the driver cannot ask for one', () => {
    const driver = new VirtioDriver(rig, { size: 8, start: false });
    driver.put(REG.STATUS, DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.NEEDS_RESET);
    driver.put(REG.STATUS, DEVICE_STATUS.FAILED);
    expect(driver.status).toBe(DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.FAILED);
    driver.put(REG.STATUS, 0x100);
    expect(driver.status).toBe(0);
  });
});

describe('a driver', () => {
  test('gets its buffers back with an interrupt', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    const head = driver.add([{ address: BUFFERS, length: 20, write: true }]);
    expect(rig.level()).toBe(false);
    driver.notify();
    expect(rig.level()).toBe(true);
    expect(driver.take()).toEqual([{ head, written: 8 }]);
    expect(rig.memory.copyOut(BUFFERS, 10)).toEqual(new Uint8Array([7, 7, 7, 7, 7, 7, 7, 7, 0, 0]));
    driver.put(REG.INTERRUPT_ACK, INTERRUPT.CONFIG_CHANGE);
    expect(rig.level()).toBe(true);
    expect(driver.acknowledge()).toBe(INTERRUPT.USED_BUFFER);
    expect([rig.level(), driver.get(REG.INTERRUPT_STATUS)]).toEqual([false, 0]);
    driver.notify();
    expect(rig.level()).toBe(false);
  });

  test('that notifies too early finds its chains used once it has started', () => {
    const driver = new VirtioDriver(rig, { size: 8, start: false });
    driver.put(REG.DRIVER_FEATURES_SEL, 1);
    driver.put(REG.DRIVER_FEATURES, 1);
    driver.put(REG.STATUS, READY);
    driver.makeReady();
    driver.add([{ address: BUFFERS, length: 8, write: true }]);
    driver.notify();
    expect([notified, driver.take()]).toEqual([[], []]);
    driver.put(REG.STATUS, READY | DEVICE_STATUS.DRIVER_OK);
    expect(notified).toEqual([0]);
    expect(driver.take()).toHaveLength(1);
    driver.put(REG.STATUS, READY | DEVICE_STATUS.DRIVER_OK);
    expect(notified).toEqual([0]);
  });

  test('may notify of what is not there', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    notified = [];
    for (const queue of [1, 2, 0xffff_ffff]) driver.notify(queue);
    expect([notified, driver.status & DEVICE_STATUS.NEEDS_RESET]).toEqual([[], 0]);
  });

  test('cannot move, grow or begin a queue that is ready', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    const use = (address: number) => {
      driver.add([{ address, length: 8, write: true }]);
      driver.notify();
      return driver.take();
    };
    expect(use(BUFFERS)).toHaveLength(1);
    rig.memory.write8(BUFFERS, 0);
    for (const register of [REG.QUEUE_DESC, REG.QUEUE_DRIVER, REG.QUEUE_DEVICE]) driver.put(register, 0x1234);
    driver.put(REG.QUEUE_NUM, 0);
    driver.put(REG.QUEUE_READY, 1);
    expect(use(BUFFERS + 8)).toHaveLength(1);
    // The first chain was not taken again.
    expect(rig.memory.read8(BUFFERS)).toBe(0);
  });

  test('begins anew with a queue that it has taken away', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    driver.add([{ address: BUFFERS, length: 8, write: true }]);
    driver.put(REG.QUEUE_READY, 0);
    driver.notify();
    expect([driver.get(REG.QUEUE_READY), driver.take()]).toEqual([0, []]);
    driver.put(REG.QUEUE_READY, 1);
    driver.notify();
    expect(driver.take()).toHaveLength(1);
  });

  test('resets all but the wires', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    driver.add([{ address: BUFFERS, length: 8, write: true }]);
    driver.notify();
    const before = resets;
    driver.put(REG.STATUS, 0);
    expect([rig.level(), resets - before]).toEqual([false, 1]);
    expect(rig.device.save().words.every((word) => word === 0)).toBe(true);
  });
});

describe('a queue that breaks the rules', () => {
  const stopped = (driver: VirtioDriver) => (driver.status & DEVICE_STATUS.NEEDS_RESET) !== 0;

  test('stops its device, with an interrupt, until a reset', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    driver.add([{ address: 0x1000, length: 8, write: true }]);
    driver.notify();
    expect([stopped(driver), rig.level(), driver.get(REG.CONFIG_GENERATION)]).toEqual([true, true, 1]);
    expect(driver.acknowledge()).toBe(INTERRUPT.CONFIG_CHANGE);
    notified = [];
    driver.notify();
    driver.put(REG.STATUS, DEVICE_STATUS.DRIVER_OK);
    expect([notified, rig.level(), stopped(driver)]).toEqual([[], false, true]);

    const next = new VirtioDriver(rig, { size: 8 });
    next.add([{ address: BUFFERS, length: 8, write: true }]);
    next.notify();
    expect([next.take().length, next.acknowledge()]).toEqual([1, INTERRUPT.USED_BUFFER]);
  });

  test.each<[string, { size?: number; desc?: number; driver?: number; device?: number }]>([
    ['no entries', { size: 0 }],
    ['a size that is no power of two', { size: 6 }],
    ['more entries than there are', { size: 16 }],
    ['a size of 2^31', { size: 2 ** 31 }],
    ['descriptors at the end of RAM', { desc: RAM + 0xfff0 }],
    ['descriptors that are not aligned', { desc: RAM + 8 }],
    ['a ring below RAM', { driver: 0x1000 }],
    ['a ring that is not aligned', { driver: RAM + 0x1001 }],
    ['a ring whose event index lies outside', { driver: RAM + 0x1_0000 - 20 }],
    ['a ring of the device at an odd place', { device: RAM + 0x2002 }],
    ['a ring of the device without room', { device: RAM + 0x1_0000 - 68 }],
    ['a ring at 2^32', { device: 2 ** 32 }],
  ])('cannot begin with %s', (_, { size = 8, ...place }) => {
    const driver = new VirtioDriver(rig, { size, start: false });
    driver.put(REG.DRIVER_FEATURES_SEL, 1);
    driver.put(REG.DRIVER_FEATURES, 1);
    driver.put(REG.STATUS, READY);
    driver.makeReady({ ...RING, ...place });
    expect([driver.get(REG.QUEUE_READY), stopped(driver), rig.level()]).toEqual([0, true, false]);
    driver.put(REG.STATUS, READY | DEVICE_STATUS.DRIVER_OK);
    expect(notified).toEqual([]);
  });

  test('an address that is exact nowhere is no RAM', () => {
    const driver = new VirtioDriver(rig, { size: 8, start: false });
    driver.put(REG.QUEUE_NUM, 8);
    driver.put(REG.QUEUE_DESC, RAM);
    driver.put(REG.QUEUE_DESC + 4, 0xffff_ffff);
    driver.put(REG.QUEUE_READY, 1);
    expect([driver.get(REG.QUEUE_READY), stopped(driver)]).toEqual([0, true]);
  });

  test('the index may not run ahead of the ring', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    rig.memory.store16(RING.driver + 2, 9);
    driver.notify();
    expect([stopped(driver), driver.take()]).toEqual([true, []]);
  });

  test('indirect descriptors want their feature', () => {
    const driver = new VirtioDriver(rig, { size: 8 });
    driver.add([{ address: BUFFERS, length: 8, write: true }], 0);
    driver.notify();
    expect(stopped(driver)).toBe(true);
  });
});

test('save and restore: another object goes on where the first one was', () => {
  const driver = new VirtioDriver(rig, { size: 8, features: FEATURE.EVENT_IDX });
  driver.add([{ address: BUFFERS, length: 8, write: true }]);
  driver.notify();
  const saved = structuredClone(rig.device.save());
  const { memory } = rig;
  const other = create();
  other.memory.copyIn(RAM, memory.copyOut(RAM, 0x8000) ?? new Uint8Array());
  other.device.restore(saved);
  expect(other.level()).toBe(true);
  const next = new VirtioDriver(other, { size: 8, features: FEATURE.EVENT_IDX, start: false });
  next.added = driver.added;
  expect(next.take()).toHaveLength(1);
  next.add([{ address: BUFFERS, length: 8, write: true }]);
  next.notify();
  expect(next.take()).toHaveLength(1);
});

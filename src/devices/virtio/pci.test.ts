import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPciRig, type PciRig } from '../../../test/devices/pci-rig.ts';
import { BUFFERS, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import type { AccessWidth } from '../device.ts';
import { COMMAND, CONFIG, MSI_X, PCI_STATUS } from '../pci/registers.ts';
import { scatter } from './chain.ts';
import type { VirtioFunction } from './function.ts';
import { COMMON, NO_VECTOR, PART, VIRTIO_PCI } from './pci-registers.ts';
import { DEVICE_STATUS, FEATURE, INTERRUPT, REG } from './registers.ts';

const SIZE = 8;
const ALL = COMMAND.MEMORY | COMMAND.BUS_MASTER;
const ENTRY = 16;

/** Fills chains with 0xff. */
const filler = (memory: PciRig['memory']): VirtioFunction => ({
  name: 'filler',
  id: 42,
  features: 0,
  config: { size: 8, read: (offset, width) => 16 * offset + width, write: () => undefined },
  notify: (queue) => {
    for (let left = queue.listen(); left > 0; left--) {
      const chain = queue.pop();
      if (chain === undefined) return;
      queue.push(chain, scatter(memory, chain.writable, new Uint8Array(64).fill(0xff)));
    }
  },
});

const create = (wiring?: Parameters<typeof createPciRig>[2]) => createPciRig(filler, [SIZE, SIZE], wiring);
const askFor = (driver: VirtioDriver) => {
  driver.add([{ address: BUFFERS, length: 4, write: true }]);
  driver.notify();
};

/** Number, place and virtio type of each capability. */
function capabilitiesOf({ pci }: PciRig) {
  const list: { id: number; at: number; type: number }[] = [];
  for (let at = pci.readConfig(CONFIG.CAPABILITIES, 1); at !== 0; at = pci.readConfig(at + 1, 1))
    list.push({ id: pci.readConfig(at, 1), at, type: pci.readConfig(at + 3, 1) });
  return list;
}
const msixAt = (rig: PciRig) => capabilitiesOf(rig).find(({ id }) => id === 0x11)?.at ?? 0;
const enableMessages = (rig: PciRig, bits: number = MSI_X.ENABLE) =>
  rig.pci.writeConfig(msixAt(rig) + 2, 2, bits);

function setEntry({ pci }: PciRig, vector: number, address: number, data: number, masked = false): void {
  const at = PART.MSIX_TABLE + ENTRY * vector;
  pci.write(at, 4, address % 2 ** 32);
  pci.write(at + 4, 4, Math.floor(address / 2 ** 32));
  pci.write(at + 8, 4, data);
  pci.write(at + 12, 4, masked ? 1 : 0);
}

function setQueueVector({ pci }: PciRig, queue: number, vector: number): number {
  pci.write(COMMON.QUEUE_SELECT, 2, queue);
  pci.write(COMMON.QUEUE_MSIX_VECTOR, 2, vector);
  return pci.read(COMMON.QUEUE_MSIX_VECTOR, 2);
}

test('is a modern virtio device by its numbers, with the parts of its window in capabilities', () => {
  const rig = create();
  expect(rig.pci.readConfig(CONFIG.VENDOR_ID, 4)).toBe(((0x1040 + 42) << 16) | 0x1af4);
  expect(rig.pci.readConfig(CONFIG.REVISION, 1)).toBe(1);
  expect(capabilitiesOf(rig).map(({ id, type }) => (id === 9 ? type : id))).toEqual([5, 1, 3, 4, 2, 0x11]);
  expect(rig.pci.readConfig(msixAt(rig) + 2, 2)).toBe(2);
  expect(capabilitiesOf(create({ messages: false })).map(({ id }) => id)).toEqual([9, 9, 9, 9, 9]);
});

test('a driver of the other transport works, and is told by the pin', () => {
  const rig = create();
  const driver = new VirtioDriver(rig, { size: SIZE, features: FEATURE.EVENT_IDX });
  askFor(driver);
  expect(driver.take().map(({ written }) => written)).toEqual([4]);
  expect(rig.level()).toBe(true);
  expect(rig.pci.readConfig(CONFIG.STATUS, 2) & PCI_STATUS.INTERRUPT).toBe(PCI_STATUS.INTERRUPT);
  expect(rig.pci.readConfig(CONFIG.COMMAND, 4) >>> 16).toBe(rig.pci.readConfig(CONFIG.STATUS, 2));
  rig.pci.writeConfig(CONFIG.COMMAND, 2, ALL | COMMAND.INTX_DISABLE);
  expect(rig.level()).toBe(false);
  rig.pci.writeConfig(CONFIG.COMMAND, 2, ALL);
  expect(rig.level()).toBe(true);
  expect([rig.pci.read(PART.ISR, 1), rig.pci.read(PART.ISR, 1), rig.level()]).toEqual([
    INTERRUPT.USED_BUFFER,
    0,
    false,
  ]);
  expect(rig.messages).toEqual([]);
});

test('registers say what the driver has chosen', () => {
  const { pci, ...rig } = create();
  const driver = new VirtioDriver(rig, { size: 4 });
  expect(pci.read(COMMON.NUM_QUEUES, 2)).toBe(2);
  expect([pci.read(COMMON.QUEUE_SIZE, 2), pci.read(COMMON.QUEUE_ENABLE, 2)]).toEqual([4, 1]);
  expect(pci.read(COMMON.QUEUE_DESC, 4)).toBe(0x8000_0000);
  pci.write(COMMON.QUEUE_SELECT, 2, 1);
  expect([pci.read(COMMON.QUEUE_SIZE, 2), pci.read(COMMON.QUEUE_NOTIFY_OFF, 2)]).toEqual([SIZE, 1]);
  pci.write(COMMON.QUEUE_SELECT, 2, 2);
  expect([pci.read(COMMON.QUEUE_SIZE, 2), pci.read(COMMON.QUEUE_MSIX_VECTOR, 2)]).toEqual([0, NO_VECTOR]);
  expect([pci.read(PART.DEVICE + 4, 4), pci.read(PART.DEVICE + 8, 1)]).toEqual([68, 0xff]);
  driver.put(REG.STATUS, 0);
  expect([pci.read(COMMON.DEVICE_STATUS, 1), pci.read(COMMON.QUEUE_ENABLE, 2)]).toEqual([0, 0]);
});

test('leaves the memory of the guest alone until it is bus master', () => {
  const rig = create({ busMaster: false });
  const driver = new VirtioDriver(rig, { size: SIZE });
  askFor(driver);
  expect(driver.take()).toEqual([]);
  rig.pci.writeConfig(CONFIG.COMMAND, 2, ALL);
  expect(driver.take()).toHaveLength(1);
});

describe('messages', () => {
  function start(wiring?: Parameters<typeof createPciRig>[2]) {
    const rig = create(wiring);
    setEntry(rig, 1, 0x2800_1000, 77);
    const driver = new VirtioDriver(rig, { size: SIZE });
    expect(setQueueVector(rig, 0, 1)).toBe(1);
    return { rig, driver };
  }

  test('go to the address of the vector of the queue, and the pin stays down', () => {
    const { rig, driver } = start();
    enableMessages(rig);
    askFor(driver);
    askFor(driver);
    expect([rig.messages, rig.level(), rig.pci.read(PART.ISR, 1)]).toEqual([
      [
        [0x2800_1000, 77],
        [0x2800_1000, 77],
      ],
      false,
      0,
    ]);
  });

  test.each<[string, (rig: PciRig, on: boolean) => void]>([
    ['entry is masked', (rig, on) => setEntry(rig, 1, 0x2800_1000, 77, on)],
    ['function is masked', (rig, on) => enableMessages(rig, MSI_X.ENABLE | (on ? MSI_X.FUNCTION_MASK : 0))],
  ])('wait while the %s, and are then one', (_, mask) => {
    const { rig, driver } = start();
    enableMessages(rig);
    mask(rig, true);
    askFor(driver);
    askFor(driver);
    expect([rig.messages, rig.pci.read(PART.MSIX_PENDING, 4)]).toEqual([[], 2]);
    mask(rig, false);
    expect([rig.messages, rig.pci.read(PART.MSIX_PENDING, 4)]).toEqual([[[0x2800_1000, 77]], 0]);
  });

  test('entries are masked after a reset, and keep what is written to them', () => {
    const rig = create();
    expect(rig.pci.read(PART.MSIX_TABLE + 12, 4)).toBe(1);
    setEntry(rig, 2, 0x12_3456_7890, 0xffff_ffff);
    const words = [0, 4, 8, 12].map((at) => rig.pci.read(PART.MSIX_TABLE + 2 * ENTRY + at, 4));
    expect(words).toEqual([0x3456_7890, 0x12, 0xffff_ffff, 0]);
  });

  test('there are no vectors beyond the last, and none after a reset', () => {
    const rig = create();
    expect([setQueueVector(rig, 1, 2), setQueueVector(rig, 1, 3)]).toEqual([2, NO_VECTOR]);
    setQueueVector(rig, 1, 2);
    rig.pci.write(COMMON.DEVICE_STATUS, 1, 0);
    rig.pci.write(COMMON.QUEUE_SELECT, 2, 1);
    expect(rig.pci.read(COMMON.QUEUE_MSIX_VECTOR, 2)).toBe(NO_VECTOR);
    expect(setQueueVector(create({ messages: false }), 0, 0)).toBe(NO_VECTOR);
  });

  test('tell that the device has stopped', () => {
    const { rig, driver } = start();
    setEntry(rig, 0, 0x2800_2000, 5);
    rig.pci.write(COMMON.CONFIG_MSIX_VECTOR, 2, 0);
    enableMessages(rig);
    driver.offer(99);
    driver.notify();
    expect(driver.status & DEVICE_STATUS.NEEDS_RESET).toBe(DEVICE_STATUS.NEEDS_RESET);
    expect([rig.messages, rig.pci.read(PART.ISR, 1)]).toEqual([[[0x2800_2000, 5]], INTERRUPT.CONFIG_CHANGE]);
  });
});

test('the window can be used through the configuration space', () => {
  const rig = create();
  const { at } = capabilitiesOf(rig)[0];
  const aim = (offset: number, length: number, bar = 0) => {
    rig.pci.writeConfig(at + 4, 1, bar);
    rig.pci.writeConfig(at + 8, 4, offset);
    rig.pci.writeConfig(at + 12, 4, length);
  };
  aim(COMMON.NUM_QUEUES, 2);
  expect(rig.pci.readConfig(at + 16, 4)).toBe(2);
  aim(COMMON.DEVICE_STATUS, 1);
  rig.pci.writeConfig(at + 16, 4, DEVICE_STATUS.ACKNOWLEDGE);
  expect(rig.pci.read(COMMON.DEVICE_STATUS, 1)).toBe(DEVICE_STATUS.ACKNOWLEDGE);
  for (const [offset, length, bar] of [
    [VIRTIO_PCI.windowBytes, 4, 0],
    [0, 3, 0],
    [1, 2, 0],
    [0, 4, 1],
  ]) {
    aim(offset, length, bar);
    expect(rig.pci.readConfig(at + 16, 4)).toBe(0);
    rig.pci.writeConfig(at + 16, 4, 0);
  }
});

test('save and restore: another object goes on where the first one was, with its pin', () => {
  const rig = create();
  const driver = new VirtioDriver(rig, { size: SIZE });
  rig.pci.writeConfig(CONFIG.BAR, 4, 0x4000_8000);
  askFor(driver);
  const other = create({ busMaster: false });
  other.memory.copyIn(0x8000_0000, rig.memory.copyOut(0x8000_0000, 0x8000) ?? new Uint8Array());
  other.pci.restore(structuredClone(rig.pci.save()));
  expect([other.level(), other.pci.windowAt()]).toEqual([true, 0x4000_8000]);
  const next = new VirtioDriver(other, { size: SIZE, start: false });
  next.added = driver.added;
  expect(next.take()).toHaveLength(1);
  askFor(next);
  expect(next.take()).toHaveLength(1);
});

test('accesses of all kinds change nothing but the device', () => {
  const width = fc.constantFrom<AccessWidth[]>(1, 2, 4);
  const value = fc.oneof(
    fc.nat(0xffff_ffff),
    fc.nat(255),
    fc.constantFrom(0x8000_0000, 0x8000_1000, 0x8000_2000),
  );
  const access = fc.record({
    config: fc.boolean(),
    write: fc.boolean(),
    width,
    offset: fc.oneof(fc.nat(0xff), fc.nat(VIRTIO_PCI.windowBytes - 1)),
    value,
  });
  fc.assert(
    fc.property(fc.array(access, { maxLength: 200 }), (accesses) => {
      const { pci, ...rig } = create();
      for (const { config, write, width, offset, value } of accesses) {
        const at = offset & -width & (config ? 0xfff : -1);
        const cut = value % 2 ** (8 * width);
        if (write && config) pci.writeConfig(at, width, cut);
        else if (write) pci.write(at, width, cut);
        else {
          const read = config ? pci.readConfig(at, width) : pci.read(at, width);
          expect(read).toBeGreaterThanOrEqual(0);
          expect(read).toBeLessThan(2 ** 32);
        }
      }
      // A driver that starts anew finds it as it was.
      pci.writeConfig(CONFIG.COMMAND, 2, ALL);
      const driver = new VirtioDriver(rig, { size: SIZE });
      askFor(driver);
      expect(driver.take()).toHaveLength(1);
    }),
  );
});

import { expect, test } from 'vitest';
import { BUFFERS, createRig, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import { DEVICE_STATUS, REG } from '../virtio/registers.ts';
import { VirtioRng } from './device.ts';
import { VIRTIO_RNG } from './facts.ts';

function createRng(randomize: (bytes: Uint8Array<ArrayBuffer>) => void) {
  const rig = createRig((memory) => new VirtioRng(memory, randomize), VIRTIO_RNG.queues);
  return { ...rig, driver: new VirtioDriver(rig, { size: 8 }) };
}

test('fills what may be written, and says how much that was', () => {
  let next = 0;
  const { driver, memory } = createRng((bytes) => {
    for (const index of bytes.keys()) bytes[index] = ++next;
  });
  driver.add([
    { address: BUFFERS, length: 2 },
    { address: BUFFERS + 8, length: 3, write: true },
    { address: BUFFERS + 4, length: 2, write: true },
  ]);
  driver.add([{ address: BUFFERS, length: 2 }]);
  driver.add([{ address: BUFFERS + 12, length: 1, write: true }]);
  driver.notify();
  expect(driver.take().map(({ written }) => written)).toEqual([5, 0, 1]);
  expect(memory.copyOut(BUFFERS, 14)).toEqual(Uint8Array.of(0, 0, 0, 0, 4, 5, 0, 0, 1, 2, 3, 0, 6, 0));
  expect(driver.get(REG.DEVICE_ID)).toBe(4);
});

test('gives no more than a page for a buffer', () => {
  const asked: number[] = [];
  const { driver } = createRng((bytes) => asked.push(bytes.length));
  driver.add([{ address: BUFFERS, length: 0x7000, write: true }]);
  driver.notify();
  expect([driver.take()[0]?.written, asked]).toEqual([4096, [4096]]);
});

test('stops at a ring that is none', () => {
  const { driver } = createRng(() => undefined);
  driver.offer(8);
  driver.notify();
  expect(driver.status & DEVICE_STATUS.NEEDS_RESET).toBe(DEVICE_STATUS.NEEDS_RESET);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRig, RAM, RAM_BYTES, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import { DEVICE_STATUS, INTERRUPT, REG } from '../virtio/registers.ts';
import { RingError } from '../virtio/ring-error.ts';
import { VirtioBalloon } from './device.ts';
import { QUEUE, VIRTIO_BALLOON } from './facts.ts';
import { BALLOON_WORDS } from './words.ts';

const PAGE = 4096;
/** Pages of the RAM behind the rings and the list of pages. */
const FIRST = 9;
const PAGES = RAM_BYTES / PAGE;
const LIST = RAM + 8 * PAGE;

function create(queue: number) {
  const words = new Int32Array(new SharedArrayBuffer(4 * BALLOON_WORDS));
  const rig = createRig((memory) => new VirtioBalloon(words, memory), VIRTIO_BALLOON.queues);
  const driver = new VirtioDriver(rig, { size: 8, queue });
  const side = rig.device.connect({ console: { output: () => undefined } });
  if (side?.balloon === undefined) throw new Error('there is no balloon');
  for (let page = FIRST; page < PAGES; page++)
    rig.memory.copyIn(RAM + page * PAGE, new Uint8Array(PAGE).fill(7));
  const written: number[] = [];
  rig.memory.onWrite((address, bytes) => {
    if (address >= RAM + FIRST * PAGE) written.push(address, bytes);
  });
  const full = () =>
    Array.from({ length: PAGES - FIRST }, (_, index) => FIRST + index).filter((page) =>
      rig.memory.copyOut(RAM + page * PAGE, PAGE)?.some((byte) => byte !== 0),
    );
  /** Gives pages to the device. */
  const inflate = (numbers: readonly number[]) => {
    const list = new DataView(new ArrayBuffer(4 * numbers.length));
    for (const [index, number] of numbers.entries()) list.setUint32(4 * index, number, true);
    rig.memory.copyIn(LIST, new Uint8Array(list.buffer));
    driver.add([{ address: LIST, length: 4 * numbers.length }]);
    driver.notify();
  };
  return { ...rig, driver, balloon: side.balloon, full, written, inflate };
}

const number = (page: number) => RAM / PAGE + page;
const all = Array.from({ length: PAGES - FIRST }, (_, index) => FIRST + index);

describe('pages that the guest gives', () => {
  test('are zero, and no others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...all)), (pages) => {
        const { inflate, full, driver } = create(QUEUE.INFLATE);
        if (pages.length > 0) inflate(pages.map(number));
        expect(full()).toEqual(all.filter((page) => !pages.includes(page)));
        expect(driver.take()).toHaveLength(pages.length > 0 ? 1 : 0);
      }),
      { numRuns: 30 },
    );
  });

  test('may be none of its RAM: they are left alone', () => {
    const { inflate, full, driver } = create(QUEUE.INFLATE);
    inflate([0, number(-1), number(PAGES), 0xffff_ffff]);
    expect(full()).toEqual(all);
    expect([driver.take().length, driver.status & DEVICE_STATUS.NEEDS_RESET]).toEqual([1, 0]);
  });

  test('are only looked at where they are zero already', () => {
    const { inflate, written } = create(QUEUE.INFLATE);
    inflate([number(FIRST)]);
    expect(written).toEqual([RAM + FIRST * PAGE, PAGE]);
    inflate([number(FIRST)]);
    expect(written).toHaveLength(2);
  });

  test('are as they were when it takes them back', () => {
    const { inflate, full, driver } = create(QUEUE.DEFLATE);
    inflate(all.map(number));
    expect([full(), driver.take().length]).toEqual([all, 1]);
  });
});

describe('free memory that the guest reports', () => {
  test('is zero, at any alignment', () => {
    const { driver, full, memory } = create(QUEUE.REPORT);
    const from = RAM + FIRST * PAGE + 1;
    driver.add([
      { address: from, length: 3 * PAGE, write: true },
      { address: from + 4 * PAGE, length: 2, write: true },
    ]);
    driver.notify();
    expect(memory.copyOut(from - 1, 3 * PAGE + 2)).toEqual(Uint8Array.of(7, ...new Uint8Array(3 * PAGE), 7));
    expect(memory.copyOut(from + 4 * PAGE - 1, 4)).toEqual(Uint8Array.of(7, 0, 0, 7));
    expect(full()).toEqual(all.filter((page) => page !== FIRST + 1 && page !== FIRST + 2));
    expect(driver.take()).toHaveLength(1);
  });

  test('stops the device where it is more than a guest can have', () => {
    const { memory } = create(QUEUE.REPORT);
    const device = new VirtioBalloon(new Int32Array(BALLOON_WORDS), memory);
    const report = (room: number) =>
      device.carryOut({ head: 0, readable: [], writable: [], room }, QUEUE.REPORT);
    expect(report(1 << 28)).toBe(0);
    expect(() => report((1 << 28) + 1)).toThrow(RingError);
  });
});

describe('memory that the host asks for', () => {
  test('is in the configuration space, by an interrupt, and so is what the driver says', () => {
    const { driver, balloon } = create(QUEUE.INFLATE);
    balloon.ask(5 * PAGE + 1);
    expect(driver.get(REG.INTERRUPT_STATUS)).toBe(INTERRUPT.CONFIG_CHANGE);
    expect([driver.get(REG.CONFIG), driver.get(REG.CONFIG + 4)]).toEqual([5, 0]);
    driver.put(REG.CONFIG, 99);
    driver.put(REG.CONFIG + 4, 3);
    expect([driver.get(REG.CONFIG), balloon.given()]).toEqual([5, 3 * PAGE]);
    driver.put(REG.CONFIG + 4, 0xffff_ffff);
    expect(balloon.given()).toBe(0xffff_ffff * PAGE);
    driver.put(REG.STATUS, 0);
    expect(balloon.given()).toBe(0);
  });

  test('is a number of bytes', () => {
    const { balloon } = create(QUEUE.INFLATE);
    for (const bytes of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 44])
      expect(() => balloon.ask(bytes)).toThrow(RangeError);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BUFFERS,
  createRam,
  createRig,
  type Piece,
  RAM,
  RAM_BYTES,
  RING,
  VirtioDriver,
} from '../../../test/devices/virtio-driver.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { type Chain, scatter } from './chain.ts';
import { VirtQueue } from './queue.ts';
import { FEATURE, INTERRUPT, NO_NOTIFY } from './registers.ts';
import { RingError } from './ring-error.ts';
import { QUEUE_WORD, QUEUE_WORDS } from './words.ts';

const SIZE = 8;
const { INDIRECT_DESC, EVENT_IDX } = FEATURE;

/** A device that takes all chains and says how many bytes of each it has written. */
function createTaker() {
  const taken: Chain[] = [];
  const rig = createRig(
    () => ({
      name: 'taker',
      id: 42,
      features: 0,
      notify: (queue) => {
        for (let left = queue.listen(); left > 0; left--) {
          const chain = queue.pop();
          if (chain === undefined) throw new Error('a chain was announced that is not there');
          taken.push(chain);
          queue.push(chain, chain.room % 1000);
        }
      },
    }),
    [SIZE],
  );
  return { ...rig, taken };
}

/** Segments of a chain as the driver gave them. */
function piecesOf({ readable, writable }: Chain): Piece[] {
  return [...readable.map((segment) => ({ ...segment, write: false })), ...writable.map(written)];
}

const written = (segment: Piece): Piece => ({ ...segment, write: true });

const segment = fc
  .tuple(fc.integer({ min: 0, max: 0x7fff }), fc.integer({ min: 1, max: 0x1000 }))
  .map(([offset, length]) => ({ address: BUFFERS + Math.min(offset, 0x8000 - length), length }));

/** The requests of a driver, and how it makes them. */
const request = fc.record({
  readable: fc.array(segment, { maxLength: 3 }),
  writable: fc.array(segment, { maxLength: 3 }),
  direct: fc.nat(3),
  /** Chains are made known to the device together with those before. */
  quiet: fc.boolean(),
  takeBack: fc.boolean(),
  /** The next interrupt is wanted so many entries later. */
  later: fc.nat(3),
});

describe('a driver that keeps to the rules', () => {
  test.each([
    ['flags', 0],
    ['flags and indirect tables', INDIRECT_DESC],
    ['event indices', EVENT_IDX],
    ['event indices and indirect tables', EVENT_IDX | INDIRECT_DESC],
  ])('gets all chains back in order, and the interrupts that it wants (%s)', (_, features) => {
    const body = (requests: (typeof request extends fc.Arbitrary<infer R> ? R : never)[]) => {
      const { taken, ...rig } = createTaker();
      const driver = new VirtioDriver(rig, { size: SIZE, features });
      const heads: number[] = [];
      const given: Piece[][] = [];
      let told = 0;
      let wantedAt = 0;
      let back = 0;
      const takeBack = (): void => {
        for (const { head, written: bytes } of driver.take()) {
          expect(head).toBe(heads[back]);
          const room = given[back].reduce((sum, { length, write }) => sum + (write === true ? length : 0), 0);
          expect(bytes).toBe(room % 1000);
          back++;
        }
      };
      for (const { readable, writable, direct, quiet, takeBack: take, later } of requests) {
        const pieces = [...readable.map((each) => ({ ...each, write: false })), ...writable.map(written)];
        if (pieces.length === 0) continue;
        const directly = (features & INDIRECT_DESC) === 0 ? pieces.length : Math.min(direct, pieces.length);
        if (driver.free <= directly) takeBack();
        if (driver.free <= directly) continue;
        heads.push(driver.add(pieces, directly));
        given.push(pieces);
        if (quiet) continue;
        const doneBefore = taken.length;
        expect(driver.mustNotify(told), 'a chain that waits is to be told of').toBe(true);
        told = driver.added;
        driver.notify();
        expect(taken.map(piecesOf)).toEqual(given);
        const raised = driver.acknowledge() === INTERRUPT.USED_BUFFER;
        const wanted = (features & EVENT_IDX) === 0 || (wantedAt >= doneBefore && wantedAt < taken.length);
        expect(raised).toBe(wanted);
        if (take) takeBack();
        wantedAt = taken.length + later;
        driver.wantInterruptAt(wantedAt);
      }
    };
    fc.assert(fc.property(fc.array(request, { maxLength: 40 }), body));
  });

  test('wants no interrupts, and gets none', () => {
    const rig = createTaker();
    const driver = new VirtioDriver(rig, { size: SIZE });
    driver.wantInterrupts(false);
    driver.add([{ address: BUFFERS, length: 4 }]);
    driver.notify();
    expect([driver.acknowledge(), driver.take().length]).toEqual([0, 1]);
    driver.wantInterrupts(true);
    driver.notify();
    expect(driver.acknowledge()).toBe(0);
    driver.add([{ address: BUFFERS, length: 4 }]);
    driver.notify();
    expect(driver.acknowledge()).toBe(1);
  });

  test.each([0, EVENT_IDX])('may go round all indices (features 0x%x)', (features) => {
    const rig = createTaker();
    const driver = new VirtioDriver(rig, { size: SIZE, features });
    for (let round = 0; round < 2 ** 16 / 3 + 10; round++) {
      const before = driver.added;
      for (let count = 0; count < 3; count++) driver.add([{ address: BUFFERS + 64 * count, length: 4 }]);
      driver.wantInterruptAt((before + 2) & 0xffff);
      if (!driver.mustNotify(before)) throw new Error('the device would not hear of chains');
      driver.notify();
      if (driver.acknowledge() !== INTERRUPT.USED_BUFFER) throw new Error(`no interrupt in round ${round}`);
      if (driver.take().length !== 3) throw new Error(`chains were lost in round ${round}`);
    }
    expect(rig.taken).toHaveLength(3 * Math.ceil(2 ** 16 / 3 + 10));
  });
});

/** A queue without a device, in RAM that does something whenever an index is loaded. */
function createQueue(features: number, onLoad: (memory: GuestMemory) => void = () => undefined) {
  const { linear } = createRam();
  class Watched extends GuestMemory {
    override load16(address: number): number | undefined {
      const value = super.load16(address);
      onLoad(this);
      return value;
    }
  }
  const memory = new Watched(linear, { base: RAM, size: RAM_BYTES, offset: 0x1_0000 });
  const words = new Int32Array(QUEUE_WORDS);
  words[QUEUE_WORD.SIZE] = SIZE;
  words[QUEUE_WORD.DESC] = RING.desc;
  words[QUEUE_WORD.DRIVER] = RING.driver;
  words[QUEUE_WORD.DEVICE] = RING.device;
  const queue = new VirtQueue(memory, words, SIZE);
  queue.begin(features);
  return { queue, memory };
}

describe('listening', () => {
  const wanted = (memory: GuestMemory) => memory.load16(RING.device + 4 + 8 * SIZE);

  test('counts chains that come meanwhile', () => {
    let loads = 0;
    const { queue, memory } = createQueue(EVENT_IDX, (ram) => {
      if (loads++ < 3) ram.store16(RING.driver + 2, loads);
    });
    expect(queue.listen()).toBe(3);
    expect(wanted(memory)).toBe(3);
  });

  test('ends though the guest never stops to add', () => {
    let index = 0;
    const { queue } = createQueue(EVENT_IDX, (ram) => ram.store16(RING.driver + 2, ++index));
    expect(() => queue.listen()).toThrow(RingError);
    expect(index).toBeLessThan(SIZE + 4);
  });

  test('ends though the index moves to and fro', () => {
    let loads = 0;
    const { queue } = createQueue(0, (ram) => ram.store16(RING.driver + 2, 1 + (++loads % 2)));
    expect(() => queue.listen()).toThrow('goes back');
  });

  test('is what hushing ends', () => {
    const { queue, memory } = createQueue(0);
    queue.hush();
    expect(memory.load16(RING.device)).toBe(NO_NOTIFY);
    queue.listen();
    expect(memory.load16(RING.device)).toBe(0);
    const other = createQueue(EVENT_IDX);
    other.queue.hush();
    expect(other.memory.load16(RING.device)).toBe(0);
  });
});

test('bytes fill the writable part of a chain from its start', () => {
  const memory = createRam();
  const chain: Chain = {
    head: 0,
    readable: [],
    writable: [
      { address: BUFFERS + 8, length: 2 },
      { address: BUFFERS, length: 3 },
      { address: BUFFERS + 16, length: 100 },
    ],
    room: 105,
  };
  expect(scatter(memory, chain.writable, Uint8Array.of(1, 2, 3, 4))).toBe(4);
  expect(memory.copyOut(BUFFERS, 17)).toEqual(
    Uint8Array.of(3, 4, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0),
  );
  expect(scatter(memory, chain.writable, new Uint8Array(200).fill(9))).toBe(105);
  expect(scatter(memory, [], Uint8Array.of(1))).toBe(0);
});

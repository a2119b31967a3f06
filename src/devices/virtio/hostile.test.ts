import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BUFFERS,
  createRig,
  type Piece,
  RAM,
  RAM_BYTES,
  RING,
  VirtioDriver,
} from '../../../test/devices/virtio-driver.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { type Chain, LONGEST_CHAIN, readChain, scatter } from './chain.ts';
import type { VirtQueue } from './queue.ts';
import { DESCRIPTOR, DESCRIPTOR_BYTES, DEVICE_STATUS, FEATURE, INTERRUPT, REG } from './registers.ts';

const SIZE = 8;
const FEATURES = FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX;
const { NEXT, WRITE, INDIRECT } = DESCRIPTOR;

/** A device that fills chains with bytes, and counts them. */
function createFiller(between: (chain: Chain) => void = () => undefined) {
  const chains: Chain[] = [];
  const rig = createRig(
    (memory) => ({
      name: 'filler',
      id: 42,
      features: 0,
      notify: (queue: VirtQueue) => {
        for (let left = queue.listen(); left > 0; left--) {
          const chain = queue.pop();
          if (chain === undefined) return;
          chains.push(chain);
          between(chain);
          queue.push(chain, scatter(memory, chain.writable, new Uint8Array(64).fill(0xff)));
        }
      },
    }),
    [SIZE],
  );
  return { rig, chains };
}

interface RawDescriptor extends Piece {
  readonly flags: number;
  readonly next: number;
}

function writeRaw(driver: VirtioDriver, at: number, { flags, next, ...piece }: RawDescriptor): void {
  driver.writeDescriptor(at, piece, next, flags);
  // The driver sets NEXT for every descriptor that has a next one.
  driver.memory.write16(at + 12, flags);
}

/** Runs the chain at descriptor 0. @returns whether the device stopped, and the chains that it got */
function run(
  descriptors: readonly RawDescriptor[],
  tables: readonly RawDescriptor[] = [],
  features = FEATURES,
) {
  const { rig, chains } = createFiller();
  const driver = new VirtioDriver(rig, { size: SIZE, features });
  for (const [index, each] of descriptors.entries())
    writeRaw(driver, RING.desc + DESCRIPTOR_BYTES * index, each);
  for (const [index, each] of tables.entries())
    writeRaw(driver, RING.indirect + DESCRIPTOR_BYTES * index, each);
  driver.offer(0);
  driver.notify();
  const stopped = (driver.status & DEVICE_STATUS.NEEDS_RESET) !== 0;
  expect(driver.acknowledge()).toBe(stopped ? INTERRUPT.CONFIG_CHANGE : INTERRUPT.USED_BUFFER);
  return { stopped, chains };
}

const piece = { address: BUFFERS, length: 16, flags: 0, next: 0 } as const;
const table = (count: number) => ({
  address: RING.indirect,
  length: DESCRIPTOR_BYTES * count,
  flags: INDIRECT,
  next: 0,
});

describe('a chain', () => {
  test.each<[string, RawDescriptor[], RawDescriptor[]]>([
    ['loops on itself', [{ ...piece, flags: NEXT }], []],
    [
      'loops over two descriptors',
      [
        { ...piece, flags: NEXT, next: 1 },
        { ...piece, flags: NEXT, next: 0 },
      ],
      [],
    ],
    ['leaves the queue', [{ ...piece, flags: NEXT, next: SIZE }], []],
    ['has an empty buffer', [{ ...piece, length: 0 }], []],
    ['has a buffer below RAM', [{ ...piece, address: RAM - 1 }], []],
    ['has a buffer over the end of RAM', [{ ...piece, address: RAM + RAM_BYTES - 15 }], []],
    ['has a buffer of 4 GiB', [{ ...piece, length: 0xffff_ffff }], []],
    ['has a buffer at 2^52', [{ ...piece, address: 2 ** 52 }], []],
    [
      'is to be read after it is to be written',
      [
        { ...piece, flags: WRITE | NEXT, next: 1 },
        { ...piece, flags: 0 },
      ],
      [],
    ],
    [
      'goes on after an indirect descriptor',
      [{ ...table(1), flags: INDIRECT | NEXT, next: 1 }, piece],
      [piece],
    ],
    ['has an indirect descriptor in an indirect table', [table(1)], [table(1)]],
    ['has an empty indirect table', [table(0)], [piece]],
    ['has a table of one and a half descriptors', [{ ...table(1), length: 24 }], [piece]],
    ['has a table outside of RAM', [{ ...table(1), address: 0 }], [piece]],
    ['has a table over the end of RAM', [table(0x1000)], [piece]],
    ['leaves its table', [table(1)], [{ ...piece, flags: NEXT, next: 1 }]],
    ['loops in its table', [table(1)], [{ ...piece, flags: NEXT, next: 0 }]],
  ])('that %s stops the device', (_, descriptors, indirect) => {
    expect(run(descriptors, indirect)).toEqual({ stopped: true, chains: [] });
  });

  test('may have an indirect table after descriptors of the queue', () => {
    const { stopped, chains } = run(
      [
        { ...piece, flags: NEXT, next: 1 },
        { ...table(2), next: 7 },
      ],
      [
        { ...piece, flags: WRITE | NEXT, next: 1 },
        { ...piece, length: 5, flags: WRITE },
      ],
    );
    expect(stopped).toBe(false);
    expect(chains).toEqual([
      {
        head: 0,
        readable: [{ address: BUFFERS, length: 16 }],
        writable: [
          { address: BUFFERS, length: 16 },
          { address: BUFFERS, length: 5 },
        ],
        room: 21,
      },
    ]);
  });

  test('may be as long as we say, and no longer', () => {
    const links = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        ...piece,
        flags: index + 1 < count ? NEXT : 0,
        next: index + 1,
      }));
    const longest = run([table(LONGEST_CHAIN)], links(LONGEST_CHAIN));
    expect([longest.stopped, longest.chains[0]?.readable.length]).toEqual([false, LONGEST_CHAIN]);
    expect(run([table(LONGEST_CHAIN + 1)], links(LONGEST_CHAIN + 1)).stopped).toBe(true);
  });

  test('has less than 4 GiB, however often it has the same bytes', () => {
    const linear = new WebAssembly.Memory({ initial: 65, maximum: 65, shared: true });
    const memory = new GuestMemory(linear, { base: RAM, size: 65 << 16, offset: 0 });
    const bytes = 1 << 22;
    for (let index = 0; index < LONGEST_CHAIN; index++) {
      const at = RAM + DESCRIPTOR_BYTES * index;
      memory.write32(at, RAM);
      memory.write32(at + 8, index === 0 ? bytes - 1 : bytes);
      memory.write16(at + 12, index + 1 < LONGEST_CHAIN ? WRITE | NEXT : WRITE);
      memory.write16(at + 14, index + 1);
    }
    const table = { address: RAM, count: LONGEST_CHAIN };
    expect(readChain(memory, table, 0, true).room).toBe(2 ** 32 - 1);
    memory.write32(RAM + 8, bytes);
    expect(() => readChain(memory, table, 0, true)).toThrow('4 GiB');
  });

  test('is what it was when it was read', () => {
    const { rig } = createFiller(() => {
      // Another hart writes over everything.
      rig.memory.copyIn(RING.desc, new Uint8Array(0x1000).fill(0xee));
      rig.memory.write32(RING.driver + 4, 0xffff_ffff);
    });
    const driver = new VirtioDriver(rig, { size: SIZE });
    driver.add([{ address: BUFFERS + 100, length: 16, write: true }]);
    driver.notify();
    expect(driver.take()).toEqual([{ head: 0, written: 16 }]);
    expect(rig.memory.copyOut(BUFFERS + 99, 18)).toEqual(
      Uint8Array.from({ length: 18 }, (_, index) => (index > 0 && index < 17 ? 0xff : 0)),
    );
  });
});

const addresses = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: RAM_BYTES - 1 }).map((offset) => RAM + offset) },
  { weight: 2, arbitrary: fc.constantFrom(RING.desc, RING.driver, RING.device, RING.indirect) },
  fc.constantFrom(0, RAM - 1, RAM + RAM_BYTES - 1, RAM + RAM_BYTES, 2 ** 32, 2 ** 32 + RAM, 2 ** 53),
);
const lengths = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 64 }).map((count) => 16 * count) },
  fc.constantFrom(0, 1, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
);
const raw = fc.record({
  address: addresses,
  length: lengths,
  flags: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, NEXT, WRITE, NEXT | WRITE, INDIRECT) },
    fc.nat(0xffff),
  ),
  next: fc.oneof({ weight: 6, arbitrary: fc.nat(SIZE) }, fc.nat(0xffff)),
});

/** One thing that a hostile guest does. */
type Step =
  | { readonly kind: 'register'; readonly offset: number; readonly value: number }
  | { readonly kind: 'descriptor'; readonly at: number; readonly descriptor: RawDescriptor }
  | { readonly kind: 'offer'; readonly head: number }
  | { readonly kind: 'index'; readonly value: number }
  | { readonly kind: 'noise'; readonly address: number; readonly bytes: Uint8Array }
  | { readonly kind: 'notify' }
  | { readonly kind: 'start' };

const kind = <K extends Step['kind']>(value: K) => fc.constant(value);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('register'),
      offset: fc.oneof(
        fc.constantFrom(...Object.values(REG)),
        fc.nat(0x3ff).map((word) => 4 * word),
      ),
      value: fc.oneof(
        fc.nat(16),
        addresses.map((address) => address % 2 ** 32),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind('descriptor'),
      at: fc.oneof(
        fc.nat(SIZE - 1).map((index) => RING.desc + DESCRIPTOR_BYTES * index),
        fc.nat(63).map((index) => RING.indirect + DESCRIPTOR_BYTES * index),
      ),
      descriptor: raw,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('offer'), head: fc.oneof(fc.nat(SIZE), fc.nat(0xffff)) }),
  },
  fc.record({ kind: kind('index'), value: fc.nat(0xffff) }),
  fc.record({
    kind: kind('noise'),
    address: fc.nat(0x4000 - 64).map((offset) => RAM + offset),
    bytes: fc.uint8Array({ maxLength: 64 }),
  }),
  { weight: 3, arbitrary: fc.record({ kind: kind('notify') }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('start') }) },
);

test('whatever a guest does, the device keeps to RAM, works for a bounded time, and can be started anew', () => {
  let stops = 0;
  let served = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { rig, chains } = createFiller();
      const driver = new VirtioDriver(rig, { size: SIZE, features: FEATURES });
      act(driver, { kind: 'start' });
      for (const each of steps) {
        const before = chains.length;
        act(driver, each);
        expect(chains.length - before).toBeLessThanOrEqual(SIZE);
      }
      for (const { readable, writable, room } of chains) {
        const all = [...readable, ...writable];
        expect(all.length).toBeGreaterThan(0);
        expect(all.length).toBeLessThanOrEqual(LONGEST_CHAIN + SIZE);
        expect(all.every(({ address, length }) => rig.memory.contains(address, length))).toBe(true);
        expect(room).toBe(writable.reduce((sum, { length }) => sum + length, 0));
      }
      served += chains.length;
      if ((driver.status & DEVICE_STATUS.NEEDS_RESET) !== 0) stops++;
      expect(rig.level()).toBe(driver.get(REG.INTERRUPT_STATUS) !== 0);

      const next = new VirtioDriver(rig, { size: SIZE });
      next.add([{ address: BUFFERS, length: 4, write: true }]);
      next.notify();
      expect(next.take()).toEqual([{ head: 0, written: 4 }]);
    }),
    { numRuns: 500 },
  );
  // The steps reach both.
  expect(stops).toBeGreaterThan(20);
  expect(served).toBeGreaterThan(20);
});

function act(driver: VirtioDriver, each: Step): void {
  switch (each.kind) {
    case 'register':
      driver.put(each.offset, each.value);
      break;
    case 'descriptor':
      writeRaw(driver, each.at, each.descriptor);
      break;
    case 'offer':
      driver.offer(each.head);
      break;
    case 'index':
      driver.memory.store16(RING.driver + 2, each.value);
      break;
    case 'noise':
      driver.memory.copyIn(each.address, each.bytes);
      break;
    case 'notify':
      driver.notify();
      break;
    case 'start':
      driver.start();
      driver.added = 0;
      for (let at = 0; at < SIZE; at++)
        writeRaw(driver, RING.desc + DESCRIPTOR_BYTES * at, { ...piece, flags: WRITE });
      break;
  }
}

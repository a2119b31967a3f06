import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BUFFERS, createRig, type Piece, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import { MemoryStorage } from '../../../test/storage/memory-storage.ts';
import type { ShortStorage, Storage } from '../../storage/storage.ts';
import { DEVICE_STATUS, FEATURE, INTERRUPT, REG } from '../virtio/registers.ts';
import { VirtioBlk } from './device.ts';
import { BLK_FEATURE, blkQueues, HEADER_BYTES, REQUEST, REQUEST_STATUS } from './facts.ts';

const SECTORS = 24;
const { OK, IOERR, UNSUPP } = REQUEST_STATUS;
const SIZE = 64;
/** Where the parts of a request are in the buffers. */
const HEADER = BUFFERS;
const STATUS_AT = BUFFERS + 0x10;
const DATA = BUFFERS + 0x20;

interface Options {
  readonly readOnly?: boolean;
  readonly storage?: Storage;
  /** Requests are carried out when `work` is called. */
  readonly later?: boolean;
  /** The thread that notifies may carry out short ones. */
  readonly anyThread?: boolean;
  /** The storage of that thread. */
  readonly short?: ShortStorage;
  readonly cpus?: number;
}

function createDisk(options: Options = {}) {
  const { readOnly = false, storage, later = false, anyThread = false, short, cpus = 1 } = options;
  const bytes = Uint8Array.from({ length: SECTORS * 512 }, (_, index) => index * 31);
  const troubles: string[] = [];
  let wakes = 0;
  const rig = createRig(
    (memory) =>
      new VirtioBlk({
        memory,
        queues: blkQueues(cpus).length,
        drive: { name: 'disk.img', bytes: bytes.length, readOnly, serial: 'number 1', anyThread },
        open: () => storage ?? new MemoryStorage(bytes),
        openShort: () => short,
        onTrouble: (text) => troubles.push(text),
      }),
    blkQueues(cpus),
    later ? () => wakes++ : undefined,
  );
  const driver = new VirtioDriver(rig, { size: SIZE, features: FEATURE.INDIRECT_DESC });
  const header = (type: number, sector: number) => {
    rig.memory.write32(HEADER, type);
    rig.memory.write32(HEADER + 4, 0);
    rig.memory.write32(HEADER + 8, sector);
    rig.memory.write32(HEADER + 12, Math.floor(sector / 2 ** 32));
    rig.memory.write8(STATUS_AT, 0xff);
  };
  /** Makes a request and answers what came back. */
  const request = (type: number, sector: number, data: readonly Piece[] = []) => {
    header(type, sector);
    driver.add([
      { address: HEADER, length: HEADER_BYTES },
      ...data,
      { address: STATUS_AT, length: 1, write: true },
    ]);
    driver.notify();
    return { status: rig.memory.read8(STATUS_AT), used: driver.take() };
  };
  return { ...rig, driver, bytes, troubles, header, request, wakes: () => wakes };
}

const data = (length: number, write: boolean): Piece => ({ address: DATA, length, write });

test('reads, writes and says how much of the buffers is new', () => {
  const { request, memory, bytes, driver } = createDisk();
  const before = bytes.slice();
  expect(request(REQUEST.READ, 2, [data(1024, true)])).toEqual({
    status: OK,
    used: [{ head: 0, written: 1025 }],
  });
  expect(memory.copyOut(DATA, 1024)).toEqual(before.subarray(1024, 2048));
  memory.copyIn(DATA, new Uint8Array(512).fill(7));
  const { status, used } = request(REQUEST.WRITE, 3, [data(512, false)]);
  expect([status, used.map(({ written }) => written)]).toEqual([OK, [1]]);
  before.fill(7, 3 * 512, 4 * 512);
  expect(bytes).toEqual(before);
  expect(driver.get(REG.DEVICE_ID)).toBe(2);
});

test('the driver finds the size, and what the disk can do', () => {
  const { device } = createDisk();
  const field = (offset: number, width: 1 | 2 | 4) => device.read(REG.CONFIG + offset, width);
  expect([field(0, 4), field(4, 4), field(12, 4), field(20, 4), field(34, 2)]).toEqual([
    SECTORS,
    0,
    254,
    512,
    1,
  ]);
  const features = (disk: typeof device) => {
    disk.write(REG.DEVICE_FEATURES_SEL, 4, 0);
    return disk.read(REG.DEVICE_FEATURES, 4);
  };
  const { RO, FLUSH, DISCARD, WRITE_ZEROES } = BLK_FEATURE;
  const all = RO | FLUSH | DISCARD | WRITE_ZEROES;
  expect(features(device) & all).toBe(FLUSH | DISCARD | WRITE_ZEROES);
  expect(features(createDisk({ readOnly: true }).device) & all).toBe(RO | FLUSH);
});

test('tells its name, with zeroes behind it, and as much of it as there is room for', () => {
  const { request, memory } = createDisk();
  request(REQUEST.GET_ID, 0, [data(20, true)]);
  expect(Buffer.from(memory.copyOut(DATA, 20) ?? []).toString()).toBe(`number 1${'\0'.repeat(12)}`);
  memory.copyIn(DATA, new Uint8Array(20).fill(0xee));
  expect(request(REQUEST.GET_ID, 0, [data(6, true)]).status).toBe(OK);
  expect(Buffer.from(memory.copyOut(DATA, 6) ?? []).toString()).toBe('number');
});

test('zeroes ranges, and those that are discarded', () => {
  const { request, memory, bytes } = createDisk();
  const before = bytes.slice();
  const range = (at: number, sector: number, sectors: number, flags: number) => {
    for (const [index, word] of [sector, 0, sectors, flags].entries())
      memory.write32(DATA + 16 * at + 4 * index, word);
  };
  range(0, 1, 2, 1);
  range(1, 8, 1, 0);
  expect(request(REQUEST.WRITE_ZEROES, 0, [data(32, false)]).status).toBe(OK);
  range(0, 20, 4, 0);
  expect(request(REQUEST.DISCARD, 0, [data(16, false)]).status).toBe(OK);
  for (const [from, to] of [
    [1, 3],
    [8, 9],
    [20, 24],
  ])
    before.fill(0, from * 512, to * 512);
  expect(bytes).toEqual(before);
  range(0, 0, 1, 2);
  expect(request(REQUEST.WRITE_ZEROES, 0, [data(16, false)]).status).toBe(UNSUPP);
  range(0, 0, 2 ** 31, 0);
  expect(request(REQUEST.DISCARD, 0, [data(16, false)]).status).toBe(IOERR);
  expect(request(REQUEST.DISCARD, 0, [data(15, false)]).status).toBe(IOERR);
  expect(request(REQUEST.DISCARD, 0, []).status).toBe(IOERR);
  expect(bytes).toEqual(before);
});

test('has a queue for each processor, up to sixteen, and answers in the queue that asked', () => {
  const queues = (cpus: number) => createDisk({ cpus }).device.read(REG.CONFIG + 34, 2);
  expect([1, 2, 16, 64].map(queues)).toEqual([1, 2, 16, 16]);
  for (const later of [false, true]) {
    const { device, memory, header } = createDisk({ cpus: 2, later });
    const second = new VirtioDriver({ device, memory }, { size: SIZE, features: BLK_FEATURE.MQ, queue: 1 });
    header(REQUEST.READ, 0);
    second.add([
      { address: HEADER, length: HEADER_BYTES },
      data(512, true),
      { address: STATUS_AT, length: 1, write: true },
    ]);
    second.notify();
    while (later && device.work());
    expect([memory.read8(STATUS_AT), second.take().length]).toEqual([OK, 1]);
  }
});

describe('what cannot be done is an error of the request', () => {
  test.each([
    ['a read behind the end', REQUEST.READ, SECTORS - 1, 1024, true],
    ['a sector that no number is exact for', REQUEST.READ, 2 ** 60, 512, true],
    ['a part of a sector', REQUEST.READ, 0, 100, true],
    ['a write behind the end', REQUEST.WRITE, SECTORS, 512, false],
  ])('%s', (_, type, sector, length, write) => {
    const { request, bytes, troubles } = createDisk();
    const before = bytes.slice();
    expect(request(type, sector, [data(length, write)]).status).toBe(IOERR);
    expect([bytes, troubles]).toEqual([before, []]);
  });

  test('a kind of request that there is not', () => {
    expect(createDisk().request(99, 0, [data(512, true)]).status).toBe(UNSUPP);
  });

  test('all that would change a disk that is only to be read', () => {
    const { request, bytes } = createDisk({ readOnly: true });
    const before = bytes.slice();
    for (const type of [REQUEST.WRITE, REQUEST.DISCARD, REQUEST.WRITE_ZEROES])
      expect(request(type, 0, [data(512, false)]).status).toBe(IOERR);
    expect(bytes).toEqual(before);
    expect(request(REQUEST.READ, 0, [data(512, true)]).status).toBe(OK);
  });

  test('an error of the host, of which people hear', () => {
    const fail = () => {
      throw new Error('no space left on device');
    };
    const storage = {
      size: SECTORS * 512,
      read: fail,
      write: fail,
      readParts: fail,
      writeParts: fail,
      flush: fail,
      zero: fail,
      close: fail,
    };
    const { request, troubles } = createDisk({ storage });
    expect(request(REQUEST.WRITE, 0, [data(512, false)]).status).toBe(IOERR);
    expect(request(REQUEST.FLUSH, 0).status).toBe(IOERR);
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(/disk\.img .*no space left on device/);
  });
});

test.each([
  [
    'no header',
    [
      { address: HEADER, length: 15 },
      { address: STATUS_AT, length: 1, write: true },
    ],
  ],
  ['no status', [{ address: HEADER, length: HEADER_BYTES }]],
])('a request with %s stops the disk until it is reset', (_, pieces) => {
  for (const later of [false, true]) {
    const { driver, device, request } = createDisk({ later });
    driver.add(pieces);
    driver.notify();
    while (later && device.work());
    expect(driver.status & DEVICE_STATUS.NEEDS_RESET).toBe(DEVICE_STATUS.NEEDS_RESET);
    expect(driver.acknowledge()).toBe(INTERRUPT.CONFIG_CHANGE);
    driver.start();
    driver.added = driver.taken = 0;
    request(REQUEST.READ, 0, [data(512, true)]);
    while (later && device.work());
    expect(driver.acknowledge()).toBe(INTERRUPT.USED_BUFFER);
  }
});

describe('on an I/O thread', () => {
  test('requests wait for it, and each of them is answered once', () => {
    const { driver, device, header, wakes, level } = createDisk({ later: true });
    header(REQUEST.READ, 0);
    for (let count = 0; count < 20; count++) {
      driver.add([
        { address: HEADER, length: HEADER_BYTES },
        { address: DATA, length: 512, write: true },
        { address: STATUS_AT, length: 1, write: true },
      ]);
    }
    const before = wakes();
    driver.notify();
    expect([wakes() - before, driver.take(), level()]).toEqual([1, [], false]);
    let works = 0;
    while (device.work()) works++;
    expect(driver.take()).toHaveLength(20);
    expect([level(), works > 1, device.work()]).toEqual([true, true, false]);
  });

  test('nothing is done for a driver that has reset the disk meanwhile', () => {
    const { driver, device, header } = createDisk({ later: true });
    header(REQUEST.READ, 0);
    driver.add([
      { address: HEADER, length: HEADER_BYTES },
      { address: STATUS_AT, length: 1, write: true },
    ]);
    driver.notify();
    driver.put(REG.STATUS, 0);
    expect([device.work(), driver.memory.read8(STATUS_AT), driver.take()]).toEqual([false, 0xff, []]);
  });
});

describe('on the thread that notifies', () => {
  let now = 0;
  beforeEach(() => vi.spyOn(performance, 'now').mockImplementation(() => now));
  afterEach(() => vi.restoreAllMocks());

  const add = ({ driver, header }: ReturnType<typeof createDisk>, type: number, bytes: number) => {
    header(type, 0);
    driver.add([
      { address: HEADER, length: HEADER_BYTES },
      ...(bytes > 0 ? [data(bytes, type === REQUEST.READ)] : []),
      { address: STATUS_AT, length: 1, write: true },
    ]);
  };

  test('short requests are answered at once, with one interrupt, and nobody is woken', () => {
    const disk = createDisk({ later: true, anyThread: true });
    for (let count = 0; count < 20; count++) add(disk, REQUEST.READ, 512);
    const before = disk.wakes();
    disk.driver.notify();
    expect([disk.wakes() - before, disk.driver.take().length, disk.level()]).toEqual([0, 20, true]);
    expect([disk.driver.acknowledge(), disk.level()]).toEqual([INTERRUPT.USED_BUFFER, false]);
  });

  test('a flush, and what is behind it, are left to the I/O thread', () => {
    const disk = createDisk({ later: true, anyThread: true });
    add(disk, REQUEST.FLUSH, 0);
    add(disk, REQUEST.WRITE, 512);
    const before = disk.wakes();
    disk.driver.notify();
    expect([disk.wakes() - before, disk.driver.take()]).toEqual([1, []]);
    while (disk.device.work());
    expect(disk.driver.take()).toHaveLength(2);
  });

  test('so are requests behind one that took long, for a while', () => {
    const bytes = new Uint8Array(SECTORS * 512);
    const slow = new MemoryStorage(bytes);
    const readParts = slow.readParts.bind(slow);
    let takes = 5;
    slow.readParts = (...place) => {
      now += takes;
      readParts(...place);
    };
    const disk = createDisk({ later: true, anyThread: true, storage: slow });
    const wakesFor = () => {
      const before = disk.wakes();
      add(disk, REQUEST.READ, 512);
      disk.driver.notify();
      const wakes = disk.wakes() - before;
      while (disk.device.work());
      expect(disk.driver.take()).toHaveLength(1);
      return wakes;
    };
    expect([wakesFor(), wakesFor()]).toEqual([1, 1]);
    takes = 0;
    const later = Array.from({ length: 100 }, wakesFor);
    expect(later.indexOf(0)).toBeGreaterThan(10);
    expect(later.slice(later.indexOf(0))).not.toContain(1);
  });

  test('of a drive of which it has a part, requests that are within that', () => {
    const part = new MemoryStorage(new Uint8Array(SECTORS * 512).fill(7));
    const readParts = part.readParts.bind(part);
    const asked: [number, number, boolean][] = [];
    const short: ShortStorage = {
      size: part.size,
      has: (offset, bytes, writes) => {
        asked.push([offset, bytes, writes]);
        return !writes && offset === 512;
      },
      readParts,
      writeParts: () => expect.unreachable(),
    };
    const disk = createDisk({ later: true, short });
    const wakesFor = (type: number, sector: number, bytes: number) => {
      const before = disk.wakes();
      add(disk, type, bytes);
      disk.memory.write32(HEADER + 8, sector);
      disk.driver.notify();
      const wakes = disk.wakes() - before;
      while (disk.device.work());
      expect(disk.driver.take()).toHaveLength(1);
      expect(disk.memory.read8(STATUS_AT)).toBe(OK);
      return wakes;
    };
    expect(wakesFor(REQUEST.READ, 1, 1024)).toBe(0);
    expect(disk.memory.read8(DATA)).toBe(7);
    expect([wakesFor(REQUEST.READ, 2, 512), wakesFor(REQUEST.WRITE, 1, 512)]).toEqual([1, 1]);
    expect(wakesFor(REQUEST.FLUSH, 1, 0)).toBe(1);
    expect(asked).toEqual([
      [512, 1024, false],
      [1024, 512, false],
      [512, 512, true],
    ]);
  });

  test('what is done does not wait for requests that take long', () => {
    const slow = new MemoryStorage(new Uint8Array(SECTORS * 512));
    const readParts = slow.readParts.bind(slow);
    const seen: [number, boolean][] = [];
    slow.readParts = (...place) => {
      seen.push([disk.driver.take().length, disk.level()]);
      disk.driver.acknowledge();
      now += 5;
      readParts(...place);
    };
    const disk = createDisk({ later: true, storage: slow });
    for (let count = 0; count < 3; count++) add(disk, REQUEST.READ, 512);
    disk.driver.notify();
    while (disk.device.work());
    expect(seen).toEqual([
      [0, false],
      [1, true],
      [1, true],
    ]);
    expect(disk.driver.take()).toHaveLength(1);
  });
});

test('requests of any shape do to the disk what they do to an array', () => {
  const one = fc.record({
    type: fc.constantFrom(REQUEST.READ, REQUEST.WRITE),
    sector: fc.nat(SECTORS),
    // Lengths of descriptors, of which the first ones may share bytes with the header's.
    cuts: fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 5 }),
    sectors: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), (requests) => {
      const { driver, memory, header, bytes, device } = createDisk({ later: true });
      const expected = bytes.slice();
      for (const [turn, { type, sector, cuts, sectors }] of requests.entries()) {
        const length = sectors * 512;
        const write = type === REQUEST.READ;
        const fits = sector + sectors <= SECTORS;
        memory.copyIn(DATA, new Uint8Array(length).fill(turn + 1));
        header(type, sector);
        driver.add([
          { address: HEADER, length: 5 },
          { address: HEADER + 5, length: HEADER_BYTES - 5 },
          ...split(length, cuts).map(({ address, length }) => ({ address: DATA + address, length, write })),
          { address: STATUS_AT, length: 1, write: true },
        ]);
        driver.notify();
        while (device.work());
        expect(driver.take()).toHaveLength(1);
        expect(memory.read8(STATUS_AT)).toBe(fits ? OK : IOERR);
        if (!fits) continue;
        if (!write) expected.fill(turn + 1, sector * 512, sector * 512 + length);
        else
          expect(memory.copyOut(DATA, length)).toEqual(
            expected.subarray(sector * 512, sector * 512 + length),
          );
      }
      expect(bytes).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

/** Cuts so many bytes into pieces of the given lengths; the rest is one more. */
function split(
  length: number,
  cuts: readonly number[],
): { readonly address: number; readonly length: number }[] {
  const pieces: { address: number; length: number }[] = [];
  let at = 0;
  for (const cut of [...cuts, length]) {
    const size = Math.min(cut, length - at);
    if (size > 0) pieces.push({ address: at, length: size });
    at += size;
  }
  return pieces;
}

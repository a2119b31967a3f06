/** A disk whose requests another thread carries out, while its driver resets it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { BUFFERS, createRam, RAM, RAM_BYTES, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import { MemoryStorage } from '../../../test/storage/memory-storage.ts';
import { VirtioMmio } from '../virtio/mmio.ts';
import { REG } from '../virtio/registers.ts';
import { virtioWords } from '../virtio/words.ts';
import { VirtioBlk } from './device.ts';
import { blkQueues, HEADER_BYTES, REQUEST } from './facts.ts';

const ROUNDS = 300;
const SECTORS = 16;
const BYTES = SECTORS * 512;
const DATA = BUFFERS + 0x1000;
const STATUS_AT = BUFFERS + 0x10;
/** The bytes that the disk gives, and those that the driver has in its buffer for other things. */
const [READ, OWN] = [7, 9];

/** Shared words: a wake-up of the I/O thread, reads that began and that are over, resets that began, and the end. */
const SHARED = { WAKE: 0, BEGUN: 1, OVER: 2, ROUND: 3, RESETS: 4, STOP: 5, WORDS: 6 } as const;

const ioThread = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { modules, shared, words, linear, SHARED, BYTES, READ, window, sizes } = workerData;
  (async () => {
    const [{ VirtioMmio }, { VirtioBlk }, { GuestMemory }] = await Promise.all(modules.map((each) => import(each)));
    const memory = new GuestMemory(linear, window);
    const storage = {
      size: BYTES,
      readParts: (offset, [into]) => {
        Atomics.add(shared, SHARED.BEGUN, 1);
        Atomics.notify(shared, SHARED.BEGUN);
        // The reset comes in the middle.
        for (let resets; (resets = Atomics.load(shared, SHARED.RESETS)) <= Atomics.load(shared, SHARED.ROUND); )
          Atomics.wait(shared, SHARED.RESETS, resets);
        for (let at = 0; at < into.length; at++) into[at] = READ;
        Atomics.add(shared, SHARED.OVER, 1);
      },
    };
    const drive = { name: 'disk', bytes: BYTES, readOnly: false, serial: '' };
    const blk = new VirtioBlk({ memory, drive, queues: 1, open: () => storage, onTrouble: () => undefined });
    const device = new VirtioMmio(words, blk, sizes, { memory, irq: { set() {} }, wakeIo() {} });
    parentPort.postMessage('ready');
    while (Atomics.load(shared, SHARED.STOP) === 0) {
      const wake = Atomics.load(shared, SHARED.WAKE);
      if (!device.work()) Atomics.wait(shared, SHARED.WAKE, wake, 100);
    }
    parentPort.postMessage('done');
  })();`;

test('nothing is written to a buffer of a driver whose reset is over', { timeout: 120_000 }, async () => {
  const memory = createRam();
  const words = new Int32Array(new SharedArrayBuffer(4 * virtioWords(blkQueues(1).length)));
  const shared = new Int32Array(new SharedArrayBuffer(4 * SHARED.WORDS));
  const wake = () => {
    Atomics.add(shared, SHARED.WAKE, 1);
    Atomics.notify(shared, SHARED.WAKE);
  };
  const drive = { name: 'disk', bytes: BYTES, readOnly: false, serial: '' };
  const open = () => new MemoryStorage(new Uint8Array(BYTES));
  const blk = new VirtioBlk({ memory, drive, queues: 1, open, onTrouble: () => undefined });
  const device = new VirtioMmio(words, blk, blkQueues(1), {
    ...{ memory, irq: { set: () => undefined }, wakeIo: wake },
  });
  const modules = ['../virtio/mmio.ts', './device.ts', '../../memory/guest-memory.ts'].map(
    (name) => new URL(name, import.meta.url).href,
  );
  const window = { base: RAM, size: RAM_BYTES, offset: 0x1_0000 };
  const sizes = blkQueues(1);
  const worker = new Worker(ioThread, {
    eval: true,
    workerData: { ...{ modules, shared, words, linear: memory.linear, SHARED }, BYTES, READ, window, sizes },
  });
  await once(worker, 'message');
  const driver = new VirtioDriver({ device, memory }, { size: 64 });
  for (let round = 0; round < ROUNDS; round++) {
    for (let at = 0; at < HEADER_BYTES; at += 4) memory.write32(BUFFERS + at, at === 0 ? REQUEST.READ : 0);
    const before = Atomics.load(shared, SHARED.BEGUN);
    Atomics.store(shared, SHARED.ROUND, round);
    driver.add([
      { address: BUFFERS, length: HEADER_BYTES },
      { address: DATA, length: BYTES, write: true },
      { address: STATUS_AT, length: 1, write: true },
    ]);
    driver.notify();
    // Every second request has begun when the reset comes; of the others, anything.
    if (round % 2 === 0) Atomics.wait(shared, SHARED.BEGUN, before, 60_000);
    Atomics.add(shared, SHARED.RESETS, 1);
    Atomics.notify(shared, SHARED.RESETS);
    if (round % 4 < 2) driver.put(REG.STATUS, 0);
    else {
      driver.put(REG.QUEUE_SEL, 0);
      driver.put(REG.QUEUE_READY, 0);
    }
    expect(Atomics.load(shared, SHARED.OVER)).toBe(Atomics.load(shared, SHARED.BEGUN));
    memory.copyIn(DATA, new Uint8Array(BYTES).fill(OWN));
    memory.write8(STATUS_AT, OWN);
    // The thread looks for work once more.
    wake();
    driver.added = driver.taken = 0;
    driver.start();
    expect(memory.copyOut(DATA, BYTES)?.every((byte) => byte === OWN)).toBe(true);
    expect(memory.read8(STATUS_AT)).toBe(OWN);
  }
  Atomics.store(shared, SHARED.STOP, 1);
  wake();
  await once(worker, 'message');
});

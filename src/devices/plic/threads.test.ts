import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Plic } from './device.ts';
import { MAP } from './registers.ts';

const HARTS = 3;
const DEVICES = 3;
const ROUNDS = 3000;
/** Long enough for any machine; a thread that waits so long has lost an interrupt. */
const LOST_AFTER_MS = 240_000;

/** Shared words beside the controller's. */
const SHARED = {
  /** One a hart: counts kicks. */
  KICK: 0,
  /** One a device: 1 while it wants service. */
  WANTS: 8,
  /** One a device: a lock word under which the device drives its line. */
  LOCK: 16,
  /** One a device: times it was served. */
  SERVED: 24,
  /** Claims that found a device which wanted nothing. */
  SPURIOUS: 32,
  STOP: 33,
  WORDS: 40,
} as const;

const prelude = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { modules, shared, memory, id, SHARED, HARTS, ROUNDS, LOST_AFTER_MS, CLAIM } = workerData;
  const work = async (role) => {
    const { Plic } = await import(modules.plic);
    const { Lock } = await import(modules.lock);
    const kick = (hart) => {
      Atomics.add(shared, SHARED.KICK + hart, 1);
      Atomics.notify(shared, SHARED.KICK + hart);
    };
    const plic = new Plic(memory, { contexts: HARTS, onContextChange: kick });
    const lock = (device) => new Lock(shared, SHARED.LOCK + device);
    parentPort.postMessage(role(plic, lock));
  };`;

const hartSource = `${prelude}
  work((plic, lock) => {
    for (;;) {
      const kicks = Atomics.load(shared, SHARED.KICK + id);
      if (plic.contextPending(id)) {
        const source = plic.read(CLAIM + 0x1000 * id, 4);
        if (source === 0) continue;
        const device = source - 1;
        lock(device).withLock(() => {
          if (Atomics.exchange(shared, SHARED.WANTS + device, 0) === 0) Atomics.add(shared, SHARED.SPURIOUS, 1);
          plic.line(source).set(false);
        });
        plic.write(CLAIM + 0x1000 * id, 4, source);
        Atomics.add(shared, SHARED.SERVED + device, 1);
        Atomics.notify(shared, SHARED.SERVED + device);
      } else {
        if (Atomics.load(shared, SHARED.STOP) !== 0) return 'done';
        if (Atomics.wait(shared, SHARED.KICK + id, kicks, LOST_AFTER_MS) === 'timed-out') return 'hart slept';
      }
    }
  });`;

const deviceSource = `${prelude}
  work((plic, lock) => {
    const line = plic.line(id + 1);
    for (let round = 0; round < ROUNDS; round++) {
      lock(id).withLock(() => {
        Atomics.store(shared, SHARED.WANTS + id, 1);
        line.set(true);
      });
      const served = Atomics.wait(shared, SHARED.SERVED + id, round, LOST_AFTER_MS);
      if (served === 'timed-out') return 'lost in round ' + round;
    }
    return 'done';
  });`;

test('threads that raise, claim and complete at once lose nothing and see nothing from nowhere', async () => {
  const shared = new Int32Array(new SharedArrayBuffer(4 * SHARED.WORDS));
  const memory = new Int32Array(new SharedArrayBuffer(4 * Plic.wordsFor(HARTS)));
  const plic = new Plic(memory, { contexts: HARTS, onContextChange() {} });
  for (let device = 0; device < DEVICES; device++) plic.write(MAP.PRIORITY + 4 * (device + 1), 4, 1 + device);
  for (let hart = 0; hart < HARTS; hart++) plic.write(MAP.ENABLE + MAP.ENABLE_STRIDE * hart, 4, 0b1110);

  const modules = {
    plic: new URL('./device.ts', import.meta.url).href,
    lock: new URL('../../sync/lock.ts', import.meta.url).href,
  };
  const common = {
    modules,
    shared,
    memory,
    SHARED,
    HARTS,
    ROUNDS,
    LOST_AFTER_MS,
    CLAIM: MAP.CONTEXT + MAP.CLAIM,
  };
  const start = (source: string, id: number) => {
    const worker = new Worker(source, { eval: true, workerData: { ...common, id }, execArgv: [] });
    return new Promise<string>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  };
  const harts = Array.from({ length: HARTS }, (_, id) => start(hartSource, id));
  const devices = await Promise.all(Array.from({ length: DEVICES }, (_, id) => start(deviceSource, id)));
  Atomics.store(shared, SHARED.STOP, 1);
  for (let hart = 0; hart < HARTS; hart++) {
    Atomics.add(shared, SHARED.KICK + hart, 1);
    Atomics.notify(shared, SHARED.KICK + hart);
  }

  expect(devices).toEqual(Array.from({ length: DEVICES }, () => 'done'));
  expect(await Promise.all(harts)).toEqual(Array.from({ length: HARTS }, () => 'done'));
  const served = Array.from(shared.subarray(SHARED.SERVED, SHARED.SERVED + DEVICES));
  expect(served).toEqual(Array.from({ length: DEVICES }, () => ROUNDS));
  expect(shared[SHARED.SPURIOUS]).toBe(0);
  expect([0, 1, 2].map((context) => plic.contextPending(context))).toEqual([false, false, false]);
});

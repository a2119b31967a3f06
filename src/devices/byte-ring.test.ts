import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteRing } from './byte-ring.ts';

const FIRST = 3;
const words = (capacity: number) =>
  new Int32Array(new SharedArrayBuffer(4 * (FIRST + ByteRing.wordsFor(capacity) + 1)));

test('behaves as a bounded queue and writes nowhere else', () => {
  const step = fc.oneof(
    fc.record({ push: fc.nat(255) }),
    fc.record({ write: fc.uint8Array({ maxLength: 12 }) }),
    fc.constant({ shift: true }),
    fc.constant({ takeAll: true }),
  );
  fc.assert(
    fc.property(fc.array(step), fc.integer(), (steps, start) => {
      const memory = words(8);
      // The counters may stand anywhere, also just before they wrap.
      memory.fill(start, FIRST, FIRST + 2);
      const ring = new ByteRing(memory, FIRST, 8);
      const model: number[] = [];
      for (const action of steps) {
        if ('push' in action) {
          expect(ring.push(action.push)).toBe(model.length < 8);
          if (model.length < 8) model.push(action.push);
        } else if ('write' in action) {
          const fits = action.write.subarray(0, 8 - model.length);
          expect(ring.write(action.write)).toBe(fits.length);
          model.push(...fits);
        } else if ('shift' in action) {
          expect(ring.shift()).toBe(model.shift() ?? -1);
        } else {
          expect([...ring.takeAll()]).toEqual(model.splice(0));
        }
        expect([ring.length, ring.free]).toEqual([model.length, 8 - model.length]);
      }
      expect([...memory.subarray(0, FIRST), memory[memory.length - 1]]).toEqual([0, 0, 0, 0]);
    }),
  );
});

test('the counters survive their wrap at 2^32', () => {
  const memory = words(8);
  memory.fill(-3, FIRST, FIRST + 2);
  const ring = new ByteRing(memory, FIRST, 8);
  expect(ring.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))).toBe(8);
  expect(ring.push(9)).toBe(false);
  expect([...ring.takeAll()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect([memory[FIRST], ring.length]).toEqual([5, 0]);
});

test('a capacity that is no power of two is refused', () => {
  for (const capacity of [0, 2, 3, 12, -8, 2 ** 31]) {
    expect(() => new ByteRing(words(16), FIRST, capacity)).toThrow(/power of two/);
  }
});

test('one thread puts, another takes, and every byte arrives once and in order', async () => {
  const total = 200_000;
  const memory = words(64);
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     const { module, memory, first, total } = workerData;
     import(module).then(({ ByteRing }) => {
       const ring = new ByteRing(memory, first, 64);
       for (let sent = 0; sent < total; ) if (ring.push(sent & 0xff)) sent++;
     });`,
    {
      eval: true,
      execArgv: [],
      workerData: { module: new URL('./byte-ring.ts', import.meta.url).href, memory, first: FIRST, total },
    },
  );
  let running = true;
  const ended = new Promise<number>((resolve, reject) => {
    worker.once('exit', (code) => {
      running = false;
      resolve(code);
    });
    worker.once('error', reject);
  });
  const ring = new ByteRing(memory, FIRST, 64);
  let received = 0;
  let wrong = 0;
  const check = (byte: number) => {
    if (byte !== (received++ & 0xff)) wrong++;
  };
  while (received < total && (running || ring.length > 0)) {
    const byte = ring.shift();
    if (byte >= 0) check(byte);
    for (const more of ring.takeAll()) check(more);
    // Lets the worker's error or end come through if it stopped early.
    if (byte < 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect([received, wrong, await ended]).toEqual([total, 0, 0]);
});

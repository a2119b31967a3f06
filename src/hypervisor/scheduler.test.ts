import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Scheduler } from './scheduler.ts';

const VCPUS = 8;
const makeWords = (vcpus = VCPUS) => new Int32Array(new SharedArrayBuffer(4 * Scheduler.wordsFor(vcpus)));

describe('the run queue', () => {
  test('gives vCPUs in the order in which they came', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
        const scheduler = new Scheduler(makeWords(), VCPUS);
        const model: number[] = [];
        let next = 0;
        for (const put of steps) {
          if (put && model.length < VCPUS) {
            model.push(next % VCPUS);
            scheduler.enqueue(next++ % VCPUS);
          } else if (!put) {
            expect(scheduler.dequeue()).toBe(model.shift() ?? -1);
          }
          expect(scheduler.waiting).toBe(model.length);
        }
      }),
    );
  });

  test('says when a vCPU is queued twice, and works on', () => {
    const scheduler = new Scheduler(makeWords(1), 1);
    scheduler.enqueue(0);
    expect(() => scheduler.enqueue(0)).toThrow('vCPU 0 is queued twice');
    expect(scheduler.dequeue()).toBe(0);
    scheduler.enqueue(0);
    expect(scheduler.dequeue()).toBe(0);
  });
});

describe('sleeping', () => {
  test('whatever comes after the sequence was read ends the sleep at once', () => {
    const scheduler = new Scheduler(makeWords(), VCPUS);
    for (const news of [() => scheduler.enqueue(1), () => scheduler.announce(1)]) {
      const { sequence } = scheduler;
      news();
      // Would wait for ever.
      scheduler.sleep(sequence, Number.POSITIVE_INFINITY);
    }
  });

  test('also when the last one was short, so that this one begins awake', () => {
    const scheduler = new Scheduler(makeWords(), VCPUS);
    for (let round = 0; round < 100; round++) {
      const { sequence } = scheduler;
      scheduler.announce(1);
      scheduler.sleep(sequence, Number.POSITIVE_INFINITY);
      // Nothing comes now.
      if (round % 10 === 0) scheduler.sleep(scheduler.sequence, 0.5);
    }
  });

  test('lasts for the time given, however the last one ended', () => {
    const scheduler = new Scheduler(makeWords(), VCPUS);
    for (const milliseconds of [0.05, 0.15, 0.5, 3, 0.05, 3]) {
      const start = performance.now();
      scheduler.sleep(scheduler.sequence, milliseconds);
      expect(performance.now() - start).toBeGreaterThanOrEqual(milliseconds);
    }
  });

  test('ends after the time given', () => {
    const scheduler = new Scheduler(makeWords(), VCPUS);
    scheduler.sleep(scheduler.sequence, 1);
    scheduler.sleep(scheduler.sequence, 0);
  });
});

const ROUNDS = 3_000;
const PCPUS = 3;

/** A pCPU: takes vCPUs, claims each alone, and queues it again until it has had all its rounds; sleeps otherwise. */
const PCPU = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { Scheduler } = await import(${JSON.stringify(new URL('./scheduler.ts', import.meta.url).href)});
  const { words, rounds, owners } = workerData;
  const scheduler = new Scheduler(words, ${VCPUS});
  let faults = 0;
  let sleeps = 0;
  const finished = () => rounds.every((_, index) => Atomics.load(rounds, index) >= ${ROUNDS});
  for (;;) {
    const { sequence } = scheduler;
    const vcpu = scheduler.dequeue();
    if (vcpu < 0) {
      if (finished()) break;
      sleeps++;
      scheduler.sleep(sequence, Infinity);
      continue;
    }
    if (Atomics.add(owners, vcpu, 1) !== 0) faults++;
    const round = Atomics.add(rounds, vcpu, 1) + 1;
    Atomics.sub(owners, vcpu, 1);
    if (round < ${ROUNDS}) scheduler.enqueue(vcpu);
    else if (finished()) scheduler.announce(${PCPUS});
  }
  parentPort.postMessage({ faults, sleeps });
`;

test(`${PCPUS} threads run ${VCPUS} vCPUs, each on one thread at a time, and none is forgotten`, async () => {
  const words = makeWords();
  const rounds = new Int32Array(new SharedArrayBuffer(4 * VCPUS));
  const owners = new Int32Array(new SharedArrayBuffer(4 * VCPUS));
  const scheduler = new Scheduler(words, VCPUS);
  const threads = Array.from({ length: PCPUS }, () => {
    const workerData = { words, rounds, owners };
    const worker = new Worker(PCPU, { eval: true, workerData, execArgv: ['--input-type=module'] });
    return new Promise<{ faults: number }>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  for (let vcpu = 0; vcpu < VCPUS; vcpu++) scheduler.enqueue(vcpu);
  const results = await Promise.all(threads);
  expect(results.map(({ faults }) => faults)).toEqual([0, 0, 0]);
  expect([...rounds]).toEqual(Array.from({ length: VCPUS }, () => ROUNDS));
  expect(scheduler.waiting).toBe(0);
});

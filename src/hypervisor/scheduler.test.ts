import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Scheduler } from './scheduler.ts';
import { Sleep } from './sleep.ts';

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

describe('a pCPU that wakes vCPUs', () => {
  /** How many idle pCPUs it makes look around when it wakes so many. */
  function tells(woken: number): number {
    const scheduler = new Scheduler(makeWords(), VCPUS);
    const before = scheduler.sequence;
    const vcpu = scheduler.dequeueAfter(() => {
      for (let each = 0; each < woken; each++) scheduler.enqueue(each);
    });
    expect(vcpu).toBe(woken > 0 ? 0 : -1);
    expect(scheduler.waiting).toBe(Math.max(woken - 1, 0));
    return scheduler.sequence - before;
  }

  test('tells others only of those that it does not take', () => {
    expect([0, 1, 2, 3].map(tells)).toEqual([0, 0, 1, 1]);
  });

  test('tells others again of what it queues after that', () => {
    const scheduler = new Scheduler(makeWords(), VCPUS);
    scheduler.dequeueAfter(() => undefined);
    const before = scheduler.sequence;
    scheduler.enqueue(0);
    expect(scheduler.sequence).not.toBe(before);
  });
});

describe('the watch over timers', () => {
  /** Milliseconds for which each of two sleeps is asked to last, of which the second begins within the first. */
  function slept(firstEnd: number, secondEnd: number): [number, number] {
    const asked: number[] = [];
    class Noting extends Sleep {
      override until(_sequence: number, milliseconds: number): boolean {
        if (asked.push(milliseconds) === 1) second.sleepUntil(0, secondEnd, 2);
        return false;
      }
    }
    const words = makeWords();
    const [first, second] = [0, 1].map(() => new Scheduler(words, VCPUS, (...place) => new Noting(...place)));
    first.sleepUntil(0, firstEnd, 1);
    // Nobody watches any more.
    first.sleepUntil(0, firstEnd, 3);
    expect(asked[2]).toBe(3);
    return [asked[0], asked[1]];
  }

  test.each([
    ['left to a pCPU that wakes up at the same time', 1000, 1000, Infinity],
    ['left to one that wakes up sooner', 1000, 5000, Infinity],
    ['not left to one that wakes up later', 5000, 1000, 2],
    [
      'left to one that wakes up sooner, when the low bits of ticks begin anew',
      2 ** 32 - 10,
      2 ** 32 + 10,
      Infinity,
    ],
    ['not left to one that wakes up later then', 2 ** 32 + 10, 2 ** 32 - 10, 2],
    ['left to one where the low bits change their sign', 2 ** 31 - 10, 2 ** 31 + 10, Infinity],
  ])('is %s', (_title, first, second, milliseconds) => {
    expect(slept(first, second)).toEqual([1, milliseconds]);
  });

  test('is offered to a pCPU that sleeps while nobody has it', () => {
    const words = makeWords();
    const offer = (scheduler: Scheduler) => {
      const before = scheduler.sequence;
      scheduler.entrust();
      return scheduler.sequence - before;
    };
    const offers: number[] = [];
    class Taken extends Sleep {
      override get isTaken(): boolean {
        return true;
      }
      override until(): boolean {
        offers.push(offer(scheduler));
        return false;
      }
    }
    const scheduler: Scheduler = new Scheduler(words, VCPUS, (...place) => new Taken(...place));
    scheduler.sleepUntil(scheduler.sequence, 1000, 1);
    expect(offers).toEqual([0]);
    expect(offer(scheduler)).toBe(1);
    // Nobody sleeps as this one sees it.
    expect(offer(new Scheduler(words, VCPUS))).toBe(0);
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

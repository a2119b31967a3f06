import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Sleep, wakeSleepers } from './sleep.ts';

const SEQUENCE = 0;
const SLEEPERS = 1;

function newSleep() {
  const words = new Int32Array(new SharedArrayBuffer(8));
  return { words, sleep: new Sleep(words, SEQUENCE, SLEEPERS) };
}

test('a wake that came before the sleep ends it at once, and counts', () => {
  const { words, sleep } = newSleep();
  const { sequence } = sleep;
  sleep.wake(1);
  expect(sleep.until(sequence, 60_000)).toBe(true);
  expect(sleep.sequence).not.toBe(sequence);
  expect(Atomics.load(words, SLEEPERS)).toBe(0);
});

test('without one, it ends in its time', () => {
  const { words, sleep } = newSleep();
  expect(sleep.until(sleep.sequence, 1)).toBe(false);
  expect(sleep.until(sleep.sequence, 0)).toBe(false);
  expect(sleep.until(sleep.sequence, 1, false)).toBe(false);
  expect(Atomics.load(words, SLEEPERS)).toBe(0);
});

test('a thread that sleeps is counted, and woken by another one', async () => {
  const { words, sleep } = newSleep();
  const answers = new Int32Array(new SharedArrayBuffer(4));
  // Answers 200 wakes, each by the word that it is asked to count.
  const other = new Worker(
    `const { workerData: { words, answers, url } } = require('node:worker_threads');
     import(url).then(({ Sleep }) => {
       const sleep = new Sleep(words, ${SEQUENCE}, ${SLEEPERS});
       for (let seen = 0; seen < 200; ) {
         const { sequence } = sleep;
         if (sequence > seen) { seen++; Atomics.add(answers, 0, 1); Atomics.notify(answers, 0); }
         else sleep.until(sequence, 60_000);
       }
     });`,
    { eval: true, workerData: { words, answers, url: new URL('./sleep.ts', import.meta.url).href } },
  );
  const ended = new Promise((resolve) => other.once('exit', resolve));
  for (let wakes = 0; wakes < 200; wakes++) {
    // Mostly while it sleeps in the system, and sometimes while it still watches.
    if (wakes % 3 !== 0) while (Atomics.load(words, SLEEPERS) === 0) Atomics.wait(answers, 0, wakes, 1);
    wakeSleepers(words, SEQUENCE, SLEEPERS);
    while (Atomics.load(answers, 0) === wakes) Atomics.wait(answers, 0, wakes, 1000);
  }
  expect(await ended).toBe(0);
  expect(sleep.sequence).toBe(200);
});

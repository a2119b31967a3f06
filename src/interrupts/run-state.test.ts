import { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import {
  cancelBlock,
  dispatchVcpu,
  enterGuest,
  exitGuest,
  exitRequested,
  hasRequests,
  kick,
  makeRequest,
  prepareToBlock,
  requestExit,
  runState,
  startVcpu,
  stopVcpu,
  takeRequests,
  waitForWake,
  waitUntilOutside,
  wakeSequence,
  yieldVcpu,
} from './run-state.ts';
import {
  createVcpuWords,
  EXIT_COUNT,
  EXIT_WAITERS,
  REQUESTS,
  RUN_STATE,
  RunState,
  WAKE_SEQUENCE,
} from './words.ts';

function loadedVcpu() {
  const words = createVcpuWords();
  startVcpu(words);
  dispatchVcpu(words);
  return words;
}

test('a vCPU is started once and dispatched once', () => {
  const words = createVcpuWords();
  expect(dispatchVcpu(words)).toBe(false);
  expect(startVcpu(words)).toBe(true);
  expect(startVcpu(words)).toBe(false);
  expect(dispatchVcpu(words)).toBe(true);
  expect(dispatchVcpu(words)).toBe(false);
  yieldVcpu(words);
  expect(dispatchVcpu(words)).toBe(true);
  stopVcpu(words);
  expect(runState(words)).toBe(RunState.STOPPED);
});

test('entering clears an old exit request and keeps a new one', () => {
  const words = loadedVcpu();
  requestExit(words);
  expect(enterGuest(words)).toBe(true);
  expect(exitRequested(words)).toBe(false);
  requestExit(words);
  expect(exitRequested(words)).toBe(true);
  exitGuest(words);
  expect(runState(words)).toBe(RunState.OUTSIDE_GUEST);
});

test('a vCPU with requests does not enter; they are taken once, together', () => {
  const words = loadedVcpu();
  makeRequest(words, 0b01);
  makeRequest(words, 0b10);
  expect(exitRequested(words)).toBe(true);
  expect(enterGuest(words)).toBe(false);
  expect(runState(words)).toBe(RunState.OUTSIDE_GUEST);
  expect(takeRequests(words)).toBe(0b11);
  expect(takeRequests(words)).toBe(0);
  expect(enterGuest(words)).toBe(true);
});

test('a request alone wakes nobody, and is kept for the next entry', () => {
  const words = loadedVcpu();
  prepareToBlock(words);
  makeRequest(words, 1);
  expect(runState(words)).toBe(RunState.BLOCKED);
  expect(hasRequests(words)).toBe(true);
});

test('a kick wakes a blocked vCPU exactly once', () => {
  const words = loadedVcpu();
  const wake = vi.fn();
  const before = wakeSequence(words);
  prepareToBlock(words);
  kick(words, wake);
  kick(words, wake);
  expect(wake).toHaveBeenCalledTimes(1);
  expect(runState(words)).toBe(RunState.RUNNABLE);
  expect(wakeSequence(words)).toBe(before + 1);
  expect(cancelBlock(words)).toBe(false);
});

test('a cancelled block leaves nothing to wake', () => {
  const words = loadedVcpu();
  const wake = vi.fn();
  prepareToBlock(words);
  expect(cancelBlock(words)).toBe(true);
  kick(words, wake);
  expect(wake).not.toHaveBeenCalled();
  expect(runState(words)).toBe(RunState.OUTSIDE_GUEST);
});

test('a sleeper whose sequence has moved does not sleep, and one that nobody wakes times out', () => {
  const words = loadedVcpu();
  const sequence = wakeSequence(words);
  prepareToBlock(words);
  expect(waitForWake(words, sequence, 0)).toBe(false);
  kick(words, () => undefined);
  expect(waitForWake(words, sequence, 10_000)).toBe(true);
});

test('a kick that is late with its news does not wake the vCPU from its next sleep', () => {
  const words = loadedVcpu();
  prepareToBlock(words);
  const sequence = wakeSequence(words);
  // The last part of the kick that ended an earlier sleep.
  Atomics.add(words, WAKE_SEQUENCE, 1);
  expect(waitForWake(words, sequence, 10_000)).toBe(false);
  expect(cancelBlock(words)).toBe(true);
});

test('a remote fence does not wait for a vCPU that has carried it out and entered its guest again', () => {
  const words = loadedVcpu();
  // The vCPU takes the request before its maker has asked for the exit, and clears that.
  Atomics.or(words, REQUESTS, 1);
  expect(enterGuest(words)).toBe(false);
  expect(takeRequests(words)).toBe(1);
  requestExit(words);
  expect(enterGuest(words)).toBe(true);
  expect(exitRequested(words)).toBe(false);
  expect(waitUntilOutside(words, 0)).toBe(true);
});

test.each([
  ['stopped', RunState.STOPPED],
  ['runnable', RunState.RUNNABLE],
  ['outside its guest', RunState.OUTSIDE_GUEST],
  ['blocked', RunState.BLOCKED],
])('a remote fence does not wait for a vCPU that is %s', (_name, state) => {
  const words = createVcpuWords();
  Atomics.store(words, RUN_STATE, state);
  makeRequest(words, 1);
  expect(waitUntilOutside(words, 10_000)).toBe(true);
});

test('scenario 65: a stopped vCPU is not woken', () => {
  const words = loadedVcpu();
  const wake = vi.fn();
  stopVcpu(words);
  kick(words, wake);
  expect(wake).not.toHaveBeenCalled();
  expect(runState(words)).toBe(RunState.STOPPED);
});

test('a remote fence that waits too long says so', () => {
  const words = loadedVcpu();
  enterGuest(words);
  makeRequest(words, 1);
  expect(waitUntilOutside(words, 0)).toBe(false);
  expect(Atomics.load(words, EXIT_WAITERS)).toBe(0);
});

test('a remote fence on another thread ends with the exit, also when the vCPU enters again at once', async () => {
  const words = loadedVcpu();
  enterGuest(words);
  const url = new URL('./run-state.ts', import.meta.url).href;
  const worker = new Worker(
    `import { parentPort, workerData } from 'node:worker_threads';
     const { makeRequest, waitUntilOutside } = await import(${JSON.stringify(url)});
     makeRequest(workerData, 1);
     parentPort.postMessage(waitUntilOutside(workerData, 20_000));`,
    { eval: true, workerData: words, execArgv: ['--input-type=module'] },
  );
  const fenced = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // The waiter announces itself before it sleeps; from there on this thread leaves and enters without a pause.
  while (Atomics.load(words, EXIT_WAITERS) === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(exitRequested(words)).toBe(true);
  exitGuest(words);
  expect(takeRequests(words)).toBe(1);
  expect(enterGuest(words)).toBe(true);
  expect(await fenced).toBe(true);
  expect(Atomics.load(words, EXIT_COUNT)).toBe(1);
  expect(Atomics.load(words, EXIT_WAITERS)).toBe(0);
  await worker.terminate();
});

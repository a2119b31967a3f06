/** The first module of the checker's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { useCompileCache } from './compile-cache.ts';
import { provideVerify } from './public-imports.ts';
import type { VerifyStart } from './verify-host.ts';

useCompileCache();
if (parentPort === null) throw new Error('this module is the start of a worker thread');
const port = parentPort;

provideVerify();

const { pieces, place, task } = workerData as VerifyStart;
const encoder = new TextEncoder();
// The engine's own, also when another one stands in for it later.
const { add, store } = Atomics;

/** Leaves the name of the place where the main thread finds it, also when this thread never comes back. */
function enter(text: string): void {
  const bytes = encoder.encode(text).subarray(0, place.length - 4);
  for (const [index, byte] of bytes.entries()) store(place, 4 + index, byte);
  // Meets the load in `placeOf`.
  store(place, 0, bytes.length);
}

/** The next piece of a matrix that no thread has taken. */
function take(): number {
  // Meets itself on other threads that do the same job: each gets another piece.
  return add(pieces, 0, 1);
}

switch (task.kind) {
  case 'job': {
    const { runVerifyJob } = await import('../verify/job.ts');
    await runVerifyJob(task.job, (message) => port.postMessage(message), enter, take);
    break;
  }
  case 'thread': {
    const { runReplayThread } = await import('../verify/threaded/replay-thread.ts');
    await answer(() => runReplayThread(task.start));
    break;
  }
  case 'order': {
    const { findDomainOrder } = await import('../verify/threaded/domain-order.ts');
    await answer(() => findDomainOrder(task.request));
    break;
  }
  case 'plan': {
    const { planReplay } = await import('../verify/threaded/plan.ts');
    await answer(() => planReplay(task.request));
    break;
  }
  case 'judge': {
    const { judgeRun } = await import('../verify/threaded/plan.ts');
    await answer(() => judgeRun(task.request, task.run));
    break;
  }
}

async function answer(make: () => Promise<unknown>): Promise<void> {
  const { InputError } = await import('../errors/input-error.ts');
  try {
    port.postMessage({ kind: 'value', value: await make() });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    port.postMessage({ kind: 'mistake', message: error.message });
  }
}

/** The first module of a machine's thread. */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerStart } from '../machine/worker.ts';

// Each thread has to ask for the cache of compiled sources itself, before it imports what is to be found there.
enableCompileCache();
const { runWorker } = await import('../machine/worker.ts');
const { sharedClockOffset } = await import('./clock.ts');

if (parentPort === null) throw new Error('this module is the start of a worker thread');
const port = parentPort;
runWorker(workerData as WorkerStart, {
  clockOffset: sharedClockOffset(),
  notify: (message) => port.postMessage(message),
});

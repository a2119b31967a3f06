/** The first module of a machine's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { runWorker, type WorkerStart } from '../machine/worker.ts';
import { sharedClockOffset } from './clock.ts';

if (parentPort === null) throw new Error('this module is the start of a worker thread');
const port = parentPort;
runWorker(workerData as WorkerStart, {
  clockOffset: sharedClockOffset(),
  notify: (message) => port.postMessage(message),
});

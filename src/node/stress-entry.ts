/** The first module of a thread of a stress run. */
import { parentPort, workerData } from 'node:worker_threads';
import { runStressJob, type StressJob } from '../stress/stress.ts';

if (parentPort === null) throw new Error('this module is the start of a worker thread');
parentPort.postMessage(runStressJob(workerData as StressJob));

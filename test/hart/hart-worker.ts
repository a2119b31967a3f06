/** Runs hart `index` of two on a shared memory from the start of RAM until it is done. */

import { parentPort, workerData } from 'node:worker_threads';
import { HartBed, type HartBedOptions } from './hart-bed.ts';

const options = workerData as HartBedOptions;
const bed = new HartBed(options);
bed.hart.pmp.allowAll();
parentPort?.postMessage(bed.finish(Number.MAX_SAFE_INTEGER));

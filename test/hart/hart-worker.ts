/** Runs hart `index` of two on a shared memory from the start of RAM until it is done. */

import { parentPort, workerData } from 'node:worker_threads';
import { HartBed } from './hart-bed.ts';

const { memory, index, harts } = workerData as { memory: WebAssembly.Memory; index: number; harts: number };
const bed = new HartBed({ memory, index, harts });
bed.hart.pmp.allowAll();
parentPort?.postMessage(bed.finish(Number.MAX_SAFE_INTEGER));

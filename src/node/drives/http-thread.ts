/** The first module of a thread that fetches for one that may only wait. */
import { workerData } from 'node:worker_threads';
import type { RemoteFile } from '../../storage/http/range-source.ts';
import { serveParts } from '../../storage/http/thread-source.ts';

/** Data for the thread's start. */
export interface FetchData {
  readonly exchange: SharedArrayBuffer;
  readonly file: RemoteFile;
}

const { exchange, file } = workerData as FetchData;
// A wait for a word is nothing that Node keeps a thread for.
const stay = setInterval(() => undefined, 2 ** 30);
await serveParts(exchange, file);
clearInterval(stay);

import { Worker } from 'node:worker_threads';
import { createExchange } from '../../storage/exchange.ts';
import { HttpStorage, PART } from '../../storage/http/http-storage.ts';
import type { RemoteFile } from '../../storage/http/range-source.ts';
import { ThreadSource } from '../../storage/http/thread-source.ts';
import type { FetchData } from './http-thread.ts';

const own = import.meta.url;
// Beside this file in a checkout; in a package the bundler has both in one folder.
const entry = new URL(own.endsWith('.ts') ? './http-thread.ts' : './drives/http-thread.js', own);

/** A file on a server. The thread that reads it waits; another one, which is made here, fetches. */
export function remoteStorage(file: RemoteFile): HttpStorage {
  const exchange = createExchange(PART);
  const workerData: FetchData = { exchange, file };
  const worker = new Worker(entry, { workerData });
  worker.unref();
  return new HttpStorage(file.size, new ThreadSource(exchange));
}

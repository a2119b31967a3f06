/**
 * Runs within hartvisor's process before its own code (`node --import`): tells the parent what V8 says of the heaps of
 * all threads, whenever it asks.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { getHeapStatistics, type HeapInfo } from 'node:v8';
import { isMainThread, type Worker } from 'node:worker_threads';

/** V8's report of one thread's heap, in bytes. */
export interface HeapReport {
  /** In use, and taken from the system. */
  readonly used: number;
  readonly total: number;
  /** Memory that its compilers and the like have from malloc. */
  readonly malloced: number;
  /** Array buffers and other things that objects of the heap keep alive. */
  readonly external: number;
}

const workers = new Set<Worker>();

/** A thread that waits in `Atomics.wait` answers when it is woken. */
const PATIENCE = 3000;

if (isMainThread && process.send !== undefined) {
  process.on('worker', (worker) => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  });
  process.on('message', () => void report());
  // Whoever asks must not keep the process alive.
  (process as { readonly channel?: { unref(): void } }).channel?.unref();
}

async function report(): Promise<void> {
  const others = [...workers].map(async (worker) => {
    return Promise.race([worker.getHeapStatistics(), delay(PATIENCE, undefined, { ref: false })]);
  });
  const heaps = [getHeapStatistics(), ...(await Promise.all(others))];
  process.send?.(heaps.flatMap((heap) => (heap === undefined ? [] : [reportOf(heap)])));
}

function reportOf(heap: HeapInfo): HeapReport {
  return {
    used: heap.used_heap_size,
    total: heap.total_heap_size,
    malloced: heap.malloced_memory,
    external: heap.external_memory,
  };
}

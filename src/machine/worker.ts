import { runBareHart } from './bare/thread.ts';
import { runPcpu } from './domain/thread.ts';
import type { WorkerHost, WorkerStart } from './thread.ts';

export type { WorkerHost, WorkerMessage, WorkerStart } from './thread.ts';

/** The whole life of a machine's thread: returns when the machine has ended. */
export function runWorker(start: WorkerStart, host: WorkerHost): void {
  if (start.kind === 'domain') runPcpu(start, host);
  else runBareHart(start, host);
}

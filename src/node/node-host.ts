import { Worker } from 'node:worker_threads';
import type { MachineHost, RunningThread } from '../machine/machine.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import { sharedClockOffset } from './clock.ts';

/** The compiler rewrites the endings of imports, but not that of a worker's file: it has the one that this file has. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker-entry.ts' : './worker-entry.js',
  import.meta.url,
);

/** Machines on Node: their threads are `worker_threads`. */
export function nodeHost(): MachineHost {
  return { clockOffset: sharedClockOffset(), spawn };
}

function spawn(
  start: WorkerStart,
  onMessage: (message: WorkerMessage) => void,
  onExit: (error: Error | undefined) => void,
): RunningThread {
  const worker = new Worker(workerFile, { workerData: start });
  let failure: Error | undefined;
  let terminated = false;
  worker.on('message', onMessage);
  worker.on('error', (error: unknown) => {
    failure ??= error instanceof Error ? error : new Error(String(error));
  });
  // Comes after all messages, and after an error.
  worker.on('exit', (code) => {
    if (code !== 0 && !terminated)
      failure ??= new Error(`thread ${start.index} of the machine ended with status ${code}`);
    onExit(failure);
  });
  return {
    async terminate() {
      terminated = true;
      await worker.terminate();
    },
  };
}

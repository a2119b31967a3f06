import { Worker } from 'node:worker_threads';
import {
  type StressHost,
  type StressJob,
  type StressOptions,
  type StressReport,
  type StressResult,
  stress,
} from '../stress/stress.ts';

/** As for the worker of a machine: the compiler does not rewrite this ending. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './stress-entry.ts' : './stress-entry.js',
  import.meta.url,
);

function start(job: StressJob): ReturnType<StressHost['start']> {
  const worker = new Worker(workerFile, { workerData: job });
  const result = new Promise<StressResult>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    // Comes after the message, when there is one.
    worker.once('exit', (code) =>
      reject(
        new Error(`A thread of the stress run (${job.protocol}, ${job.role}) ended with status ${code}`),
      ),
    );
  });
  return {
    result,
    async terminate() {
      await worker.terminate();
    },
  };
}

/**
 * Stresses one protocol or all on worker threads.
 *
 * @throws InputError when an option is out of its range; Error when a thread fails or the counts do not add up.
 */
export function runStress(options: StressOptions = {}): Promise<StressReport> {
  return stress({ start }, options);
}

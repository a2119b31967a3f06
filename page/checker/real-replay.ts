import type { ReplayThreadResult } from '../../src/verify/threaded/replay-thread.ts';
import { addressOf, type Checker, CheckerMistake, type ThreadsPlan } from './checker.ts';
import type { Finding } from './questions.ts';

/** Milliseconds that threads have; a browser may take long to start one. */
const PATIENCE = 60_000;

/** The course of a counterexample's schedule on real threads. */
export interface RealReplay {
  /** How many accesses they made. */
  readonly accesses: number;
  /** The specification's verdict about it. */
  readonly outcome: string;
  readonly threads: number;
}

/**
 * Runs a counterexample of one of hartvisor's protocols on threads of this browser: each thread of the scenario on one
 * of its own, with the shipped functions on shared memory, waiting for its turn before each access.
 *
 * @throws CheckerMistake where the threads do not follow, or the page has no shared memory
 */
export async function replayOnThreads(checker: Checker, finding: Finding): Promise<RealReplay> {
  if (!globalThis.crossOriginIsolated)
    throw new CheckerMistake('This page is not isolated from others, so its threads cannot share memory.');
  const { protocol, scenario, counterexample } = finding;
  if (counterexample === undefined) throw new CheckerMistake('There is no counterexample to replay.');
  const request = { protocol, scenario, schedule: counterexample.schedule };
  const plan = await checker.plan(request);
  const results = await runThreads(plan, request);
  const diverged = results.map((result) => result.diverged).find((why) => why !== undefined);
  if (diverged !== undefined) throw new CheckerMistake(`The threads did not follow: ${diverged}.`);
  const steps = results.flatMap((result) => result.steps).sort((a, b) => a.move - b.move);
  const outcome = await checker.judge(request, { steps, results, contents: [...plan.words] });
  return { accesses: steps.length, outcome, threads: results.length };
}

async function runThreads(
  plan: ThreadsPlan,
  request: { readonly protocol: string; readonly scenario: string },
): Promise<ReplayThreadResult[]> {
  const control = new Int32Array(new SharedArrayBuffer(plan.controlWords * Int32Array.BYTES_PER_ELEMENT));
  const { protocol, scenario } = request;
  const common = { protocol, scenario, moves: plan.moves, words: plan.words, control };
  const workers = plan.names.map(
    () => new Worker(addressOf('page/checker/replay-worker.ts.js'), { type: 'module' }),
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new CheckerMistake('The threads do not answer.')), PATIENCE);
    });
    const all = workers.map((worker, thread) => resultOf(worker, { ...common, thread }));
    return await Promise.race([Promise.all(all), tooLong]);
  } finally {
    clearTimeout(timer);
    for (const worker of workers) worker.terminate();
  }
}

function resultOf(worker: Worker, start: object): Promise<ReplayThreadResult> {
  return new Promise((resolve, reject) => {
    worker.addEventListener('error', ({ message }) => reject(new CheckerMistake(message)));
    worker.addEventListener(
      'message',
      ({ data }: MessageEvent<{ result?: ReplayThreadResult; error?: string }>) => {
        if (data.result !== undefined) resolve(data.result);
        else reject(new CheckerMistake(data.error ?? 'A thread has failed.'));
      },
    );
    worker.postMessage(start);
  });
}

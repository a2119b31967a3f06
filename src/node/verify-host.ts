import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InputError } from '../errors/input-error.ts';
import type { JobMessage, VerifyJob } from '../verify/job.ts';
import type { RealRun, ReplayPlan, ReplayRequest } from '../verify/threaded/plan.ts';
import {
  CONTROL_WORDS,
  type ReplayStart,
  type ReplayThreadResult,
} from '../verify/threaded/replay-thread.ts';
import { gravestStatus } from '../verify/verify.ts';

/** The work of a thread of the checker. */
type VerifyTask =
  | { readonly kind: 'job'; readonly job: VerifyJob }
  | { readonly kind: 'order'; readonly request: ReplayRequest }
  | { readonly kind: 'plan'; readonly request: ReplayRequest }
  | { readonly kind: 'thread'; readonly start: ReplayStart }
  | { readonly kind: 'judge'; readonly request: ReplayRequest; readonly run: RealRun };

/** The data that a thread of the checker starts with. */
export interface VerifyStart {
  readonly task: VerifyTask;
  /** Length and bytes of the name of the place in a person's module where the thread is. */
  readonly place: Uint8Array;
  /** How many pieces of a matrix have been taken by all threads that do the same job. */
  readonly pieces: Int32Array;
}

/** As for the worker of a machine: the compiler does not rewrite this ending. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './verify-entry.ts' : './verify-entry.js',
  import.meta.url,
);

const PLACE_BYTES = 128;

/** How long a person's code may run without coming back, in milliseconds. A call of it takes microseconds. */
export const LONGEST_SILENCE = 10_000;

/** The most threads for one matrix: each may need memory for millions of states. */
const MOST_THREADS = 4;

/**
 * Runs the checker on threads of its own, so that this one can show how far it is, and end code that never ends. A
 * matrix is divided among as many threads as the machine runs at once, four at most.
 *
 * @param onMessage gets all messages but `done` and `mistake`.
 * @param longestSilence milliseconds that the code of the person's module may take without a sign of life.
 * @returns the status, as `VERIFY_STATUS` has it.
 * @throws InputError for a mistake of the person, also for code that never comes back.
 */
export async function runVerify(
  job: VerifyJob,
  onMessage: (message: JobMessage) => void,
  longestSilence: number = LONGEST_SILENCE,
): Promise<number> {
  const pieces = new Int32Array(new SharedArrayBuffer(4));
  const threads = job.task === 'matrix' ? Math.min(availableParallelism(), MOST_THREADS) : 1;
  const runs = Array.from({ length: threads }, () => runThread(job, pieces, onMessage, longestSilence));
  try {
    return gravestStatus(await Promise.all(runs.map(({ status }) => status)));
  } finally {
    for (const { worker } of runs) void worker.terminate();
  }
}

/** One thread that takes pieces of the job. */
function runThread(
  job: VerifyJob,
  pieces: Int32Array,
  onMessage: (message: JobMessage) => void,
  longestSilence: number,
): { readonly worker: Worker; readonly status: Promise<number> } {
  const place = new Uint8Array(new SharedArrayBuffer(PLACE_BYTES));
  const start: VerifyStart = { task: { kind: 'job', job }, place, pieces };
  const worker = new Worker(workerFile, { workerData: start });
  const status = new Promise<number>((resolve, reject) => {
    let silence: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      clearTimeout(silence);
      if (job.file === undefined) return;
      silence = setTimeout(() => {
        const where = placeOf(place);
        if (where === '') listen();
        else end(() => reject(endless(job, where, longestSilence)));
      }, longestSilence);
    };
    const end = (settle: () => void) => {
      clearTimeout(silence);
      settle();
      void worker.terminate();
    };
    worker.on('message', (message: JobMessage) => {
      listen();
      if (message.kind === 'done') end(() => resolve(message.status));
      else if (message.kind === 'mistake') end(() => reject(new InputError(message.message)));
      else onMessage(message);
    });
    worker.on('error', (error) => end(() => reject(error)));
    worker.on('exit', (code) => end(() => reject(threadEnded(job, place, code))));
    listen();
  });
  return { worker, status };
}

function endless({ file }: VerifyJob, where: string, silence: number): InputError {
  return new InputError(
    `${file?.shown ?? ''}: ${where} did not come back within ${silence / 1000} s, so it was ended. ` +
      'Does it loop for ever without an access to a shared word?',
  );
}

function threadEnded({ file }: VerifyJob, place: Uint8Array, code: number): Error {
  const where = placeOf(place);
  if (file !== undefined && where !== '') {
    return new InputError(`${file.shown}: ${where} ended the checker's thread with status ${code}.`);
  }
  return new Error(`the checker's thread ended with status ${code}`);
}

function placeOf(place: Uint8Array): string {
  // Meets the store in `enter` of the checker's thread.
  const length = Atomics.load(place, 0);
  const bytes = Uint8Array.from({ length }, (_, index) => Atomics.load(place, 4 + index));
  return new TextDecoder().decode(bytes);
}

/** A counterexample on real threads: the plan, and the run. */
export interface ThreadedReplay {
  readonly plan: ReplayPlan;
  readonly run: RealRun;
  /** The verdict of the specification on the run. */
  readonly outcome: string;
  /** Why the run left the schedule, if it did. */
  readonly diverged: string | undefined;
}

/**
 * Runs a counterexample on as many worker threads as it has threads, in the order of its schedule.
 *
 * @throws InputError when there is none, or the schedule does not fit.
 */
export async function replayOnThreads(request: ReplayRequest): Promise<ThreadedReplay> {
  const plan = await ask<ReplayPlan>({ kind: 'plan', request }).value;
  const words = new Int32Array(new SharedArrayBuffer(plan.initial.length * 4));
  words.set(plan.initial);
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  const common = { ...request, moves: plan.moves, words, control };
  const threads = plan.names.map((_, thread) =>
    ask<ReplayThreadResult>({ kind: 'thread', start: { ...common, thread } }),
  );
  try {
    const results = await Promise.all(threads.map(({ value }) => value));
    const steps = results.flatMap((result) => result.steps).sort((a, b) => a.move - b.move);
    const run = { steps, results, contents: [...words] };
    const diverged = results.map((result) => result.diverged).find((why) => why !== undefined);
    return { plan, run, diverged, outcome: await ask<string>({ kind: 'judge', request, run }).value };
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/**
 * The order of accesses by which a counterexample can be forced in a domain.
 *
 * @throws InputError when there is none.
 */
export function findOrder(request: ReplayRequest): Promise<string> {
  return ask<string>({ kind: 'order', request }).value;
}

type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'mistake'; readonly message: string };

/** Lets a thread answer one question. */
function ask<T>(task: VerifyTask): { readonly value: Promise<T>; terminate(): Promise<void> } {
  const start: VerifyStart = { task, place: new Uint8Array(PLACE_BYTES), pieces: new Int32Array(1) };
  const worker = new Worker(workerFile, { workerData: start });
  const value = new Promise<T>((resolve, reject) => {
    worker.once('message', (message: Answer<T>) => {
      if (message.kind === 'value') resolve(message.value);
      else reject(new InputError(message.message));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a thread of the checker ended with status ${code}`)));
  });
  return {
    value,
    async terminate() {
      await worker.terminate();
    },
  };
}

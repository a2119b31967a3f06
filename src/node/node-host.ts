import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError } from '../errors/input-error.ts';
import type { Xlen } from '../machine/cpu.ts';
import type { MachineHost, RunningThread } from '../machine/machine-host.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import { sharedClockOffset } from './clock.ts';
import { compileCacheDir } from './compile-cache.ts';

/** The compiler rewrites the endings of imports, but not that of a worker's file: it has the one that this file has. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker-entry.ts' : './worker-entry.js',
  import.meta.url,
);

/**
 * MiB for objects that were just made. A hart makes few that last, so that more would only be filled before the
 * collector comes; with 3 each new thread had thirty collections, a seventh of its time, before a restored guest had
 * carried out its first command.
 */
const youngObjects = 12;
/**
 * MiB, the same for those that last. A thread has about 20; the smaller the bound, the less garbage gathers on top of
 * them before the collector comes (V8 takes a bound of 4 GiB as leave to let a heap grow to four times its live
 * objects).
 */
const oldObjects = 512;

/** Of Node's timers, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The data that a machine's thread is made with, before it is sent anything. */
export interface ThreadData {
  readonly kind: WorkerStart['kind'];
  /** The directory in which Node keeps compiled modules. */
  readonly compileCache: string | undefined;
}

/**
 * A module that a machine's threads load before they start: its `extendHost(data)` gives parts of their `WorkerHost`.
 */
export interface ThreadModule {
  readonly url: string;
  /** Can be sent by `postMessage`. */
  readonly data: unknown;
}

/** The message that makes a machine's thread begin. */
export interface ThreadStart {
  readonly start: WorkerStart;
  readonly interpreter: WebAssembly.Module;
  readonly modules: readonly ThreadModule[];
}

/** How a {@link NodeHost} has threads run. */
export interface NodeHostOptions {
  /** A process does not wait for the threads before it comes to its end. */
  readonly background?: boolean;
}

/** Machines on Node: their threads are `worker_threads`. */
export class NodeHost implements MachineHost {
  readonly clockOffset = sharedClockOffset();
  readonly #background: boolean;
  readonly #waiting = new Map<ThreadData['kind'], Worker>();
  readonly #modules: ThreadModule[] = [];
  readonly #compiled = new Map<Xlen, Promise<WebAssembly.Module>>();

  /** @throws InputError where the files of hartvisor are not beside each other, as in a bundle */
  constructor({ background = false }: NodeHostOptions = {}) {
    checkFiles();
    this.#background = background;
  }

  /**
   * Starts a thread for a machine of that kind ahead of time: it loads its modules while the caller still reads files
   * and puts the machine together. The next {@link spawn} takes it. One is enough: a guest begins on one thread, and
   * the others' loading would only slow that one's down.
   */
  prepare(kind: ThreadData['kind'], xlen: Xlen = 64): void {
    this.#waiting.set(kind, startWorker(kind));
    void this.#interpreter(xlen);
  }

  /** Ends threads that were started ahead of time, and that no machine has taken. */
  close(): void {
    for (const worker of this.#waiting.values()) void worker.terminate();
    this.#waiting.clear();
  }

  /** Has the threads that are spawned from now on load a module before they start. */
  loadFirst(module: ThreadModule): void {
    this.#modules.push(module);
  }

  spawn(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onExit: (error: Error | undefined) => void,
  ): RunningThread {
    const worker = this.#waiting.get(start.kind) ?? startWorker(start.kind);
    this.#waiting.delete(start.kind);
    let failure: Error | undefined;
    let terminated = false;
    worker.on('message', onMessage);
    worker.on('error', (error: unknown) => {
      failure ??= asError(error);
    });
    // Comes after all messages, and after an error.
    worker.on('exit', (code) => {
      if (code !== 0 && !terminated)
        failure ??= new Error(`thread ${start.index} of the machine ended with status ${code}`);
      onExit(failure);
    });
    // Listeners to a worker's messages refer to it.
    if (this.#background) worker.unref();
    this.#interpreter(start.xlen).then(
      (interpreter) =>
        worker.postMessage({ start, interpreter, modules: this.#modules } satisfies ThreadStart),
      (error: unknown) => {
        failure ??= asError(error);
        void worker.terminate();
      },
    );
    return {
      async terminate() {
        terminated = true;
        await worker.terminate();
      },
    };
  }

  hold(): () => void {
    const timer = setInterval(() => undefined, LONGEST_TIMER_MS);
    return () => clearInterval(timer);
  }

  #interpreter(xlen: Xlen): Promise<WebAssembly.Module> {
    const known = this.#compiled.get(xlen);
    if (known !== undefined) return known;
    // Loaded when the first thread has been started, which has more to do.
    const compiled = import('./interpreter-module.ts').then(({ interpreterModule }) =>
      interpreterModule(xlen),
    );
    this.#compiled.set(xlen, compiled);
    return compiled;
  }
}

/**
 * From a checkout the thread's first module is imported by a line of JavaScript, which asks for the cache of compiled
 * sources before: without it Node loads its compiler for TypeScript in each thread, for this one module.
 */
function startWorker(kind: ThreadData['kind']): Worker {
  const compileCache = compileCacheDir();
  const workerData: ThreadData = { kind, compileCache };
  const resourceLimits = { maxYoungGenerationSizeMb: youngObjects, maxOldGenerationSizeMb: oldObjects };
  if (workerFile.pathname.endsWith('.js')) return new Worker(workerFile, { resourceLimits, workerData });
  const ask =
    compileCache === undefined
      ? ''
      : `require('node:module').enableCompileCache(${JSON.stringify(compileCache)});`;
  return new Worker(`${ask} import(${JSON.stringify(workerFile.href)});`, {
    eval: true,
    resourceLimits,
    workerData,
  });
}

/** A bundler that takes this file into another one leaves the modules of threads behind. */
function checkFiles(): void {
  if (existsSync(workerFile)) return;
  throw new InputError(
    `hartvisor does not find the module of its threads, ${fileURLToPath(workerFile)}: it was bundled into another file. ` +
      'Have the bundler leave the package "hartvisor" alone, as an external one, and install it beside the bundle.',
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

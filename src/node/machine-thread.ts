import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Xlen } from '../machine/cpu.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import { compileCacheDir } from './compile-cache.ts';

/** The compiler rewrites the endings of imports, but not that of a worker's file: it has the one that this file has. */
export const workerFile = new URL(
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

/** Milliseconds for which a thread waits for its next machine. */
const LONGEST_IDLE_MS = 10_000;

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

/** The messages of a thread: those of its machine, and that it has left that and waits for another one. */
export type ThreadMessage = WorkerMessage | { readonly kind: 'left' };

/** The listener of a thread. */
interface Owner {
  onMessage(message: WorkerMessage): void;
  /** The thread has left the machine; or in what way it has failed. Comes after all messages. */
  onExit(error: Error | undefined): void;
}

/** Threads that have left their machine, and wait for another one. */
const idle = new Set<MachineThread>();

/**
 * A thread of machines: of one after the other, if it is one of harts. The engine has compiled and optimized hartvisor
 * for it when it has had a machine, which takes a new thread some tenths of a second.
 */
export class MachineThread {
  readonly kind: ThreadData['kind'];
  readonly #worker: Worker;
  #owner: Owner | undefined;
  /** Of its last machine. Code that was optimized for one width does not fit the other one. */
  #xlen: Xlen | undefined;
  /** For people. */
  #name = 'a thread';
  #failure: Error | undefined;
  #terminated = false;
  #hasExited = false;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  /** Starts a thread, which loads what machines of that kind need. */
  constructor(kind: ThreadData['kind']) {
    this.kind = kind;
    this.#worker = startWorker(kind);
    this.#worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'left') this.#leave();
      else this.#owner?.onMessage(message);
    });
    this.#worker.on('error', (error: unknown) => this.fail(error));
    // Comes after all messages, and after an error.
    this.#worker.on('exit', (code) => this.#exit(code));
  }

  /** A thread for a machine: one that has had such a machine before, if there is one. */
  static take(kind: ThreadData['kind'], xlen: Xlen): MachineThread {
    for (const thread of idle) {
      if (thread.kind !== kind || thread.#xlen !== xlen) continue;
      idle.delete(thread);
      clearTimeout(thread.#expiry);
      return thread;
    }
    return new MachineThread(kind);
  }

  /** @param background whether a process does not wait for the thread before it comes to its end */
  own(owner: Owner, background: boolean): void {
    this.#owner = owner;
    if (background) this.#worker.unref();
    else this.#worker.ref();
    // It has failed while nobody was there to hear of it.
    if (this.#hasExited) queueMicrotask(() => this.#tellExit());
  }

  begin(start: ThreadStart): void {
    this.#xlen = start.start.xlen;
    this.#name = `thread ${start.start.index}`;
    this.#worker.postMessage(start);
  }

  /** Notes a failure, of which its owner hears at the thread's end. The first one counts. */
  fail(error: unknown): void {
    idle.delete(this);
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** @param owner nothing happens when it is somebody else's by now; anybody's, if it is left out */
  async terminate(owner = this.#owner): Promise<void> {
    if (this.#owner !== owner) return;
    // Its end takes a moment, in which no machine may take it.
    idle.delete(this);
    this.#terminated = true;
    await this.#worker.terminate();
  }

  #leave(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    this.#worker.unref();
    if (idle.size < availableParallelism()) {
      idle.add(this);
      this.#expiry = setTimeout(() => this.terminate(), LONGEST_IDLE_MS).unref();
    } else void this.terminate();
    owner?.onExit(undefined);
  }

  #exit(code: number): void {
    idle.delete(this);
    clearTimeout(this.#expiry);
    this.#hasExited = true;
    if (code !== 0 && !this.#terminated)
      this.#failure ??= new Error(`${this.#name} of the machine ended with status ${code}`);
    this.#tellExit();
  }

  #tellExit(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.onExit(this.#failure);
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

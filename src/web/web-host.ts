import type { Xlen } from '../machine/cpu.ts';
import { DEFAULT_ENGINE, type Engine } from '../machine/engine.ts';
import type { MachineHost, RunningThread } from '../machine/machine-host.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import { refuseExchange } from '../storage/exchange.ts';
import type { RemoteFile } from '../storage/http/range-source.ts';
import { builtInterpreter } from './interpreter.ts';
import { checkIsolation } from './isolation.ts';
import type { FromThread, ThreadParts, ToThread } from './thread-messages.ts';

/** Machines in a page: their threads are dedicated workers. */
export class WebHost implements MachineHost {
  /** The time that all threads share is that of the page. */
  readonly clockOffset = 0;
  readonly #waiting: { readonly life: ThreadLife; readonly thread: PageThread }[] = [];
  readonly #closers: (() => void)[] = [];
  #parts: ThreadParts = {};
  readonly #compiled = new Map<Xlen, Promise<WebAssembly.Module>>();

  /** @throws IsolationError where a page may not share memory between threads */
  constructor() {
    checkIsolation();
  }

  /**
   * Starts threads ahead of time: they load their modules while the caller still fetches files. The next {@link spawn}
   * of each kind takes one.
   *
   * @param kinds of the threads that the machine will have
   */
  prepare(
    kinds: readonly WorkerStart['kind'][] = ['domain'],
    xlen: Xlen = 64,
    engine: Engine = DEFAULT_ENGINE,
  ): void {
    // A failure is met by the threads that need it.
    this.#interpreter(xlen).catch(() => undefined);
    for (const kind of kinds) {
      const thread = new PageThread({ kind, engine });
      thread.send({ kind: 'load', life: kind });
      this.#waiting.push({ life: { kind, engine }, thread });
    }
  }

  /** Ends threads that were started ahead of time, and that no machine has taken, and gives up all that is held. */
  close(): void {
    for (const { thread } of this.#waiting.splice(0)) thread.end(undefined);
    for (const close of this.#closers.splice(0).reverse()) close();
  }

  /** Takes a function that gives up something that is held for the machine. */
  onClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** Tells the threads that are spawned from now on of the things that the machine has outside. */
  give(parts: ThreadParts): void {
    this.#parts = { ...this.#parts, ...parts };
  }

  /** Starts a thread that fetches parts of a file for the one at the other end of the exchange. */
  fetchFor(exchange: SharedArrayBuffer, file: RemoteFile): void {
    this.#serve({ kind: 'serve', exchange, file }, 'fetches');
  }

  /** Starts a thread that keeps a disk in records for the one at the other end of the exchange. */
  keepFor(exchange: SharedArrayBuffer, name: string, readOnly: boolean): void {
    this.#serve({ kind: 'keep', exchange, name, readOnly }, 'keeps');
  }

  #serve(order: Extract<ToThread, { exchange: SharedArrayBuffer }>, does: string): void {
    const thread = new PageThread();
    thread.attach(
      () => undefined,
      (error) => {
        if (error !== undefined)
          void refuseExchange(order.exchange, `the thread that ${does} it failed: ${error.message}`);
      },
    );
    thread.send(order);
    this.onClose(() => thread.end(undefined));
  }

  spawn(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onExit: (error: Error | undefined) => void,
  ): RunningThread {
    const interpreter = this.#interpreter(start.xlen);
    const thread = this.#take(start);
    thread.attach(onMessage, onExit);
    interpreter.then(
      (module) => {
        const { timeOrigin } = performance;
        thread.send({ kind: 'begin', start, interpreter: module, timeOrigin, parts: this.#parts });
      },
      (error: unknown) => thread.end(asError(error)),
    );
    return {
      terminate: () => {
        thread.end(undefined);
        return Promise.resolve();
      },
    };
  }

  #take({ kind, engine }: ThreadLife): PageThread {
    const index = this.#waiting.findIndex(({ life }) => life.kind === kind && life.engine === engine);
    const [prepared] = index < 0 ? [] : this.#waiting.splice(index, 1);
    return prepared?.thread ?? new PageThread({ kind, engine });
  }

  #interpreter(xlen: Xlen): Promise<WebAssembly.Module> {
    const known = this.#compiled.get(xlen);
    if (known !== undefined) return known;
    const compiled = builtInterpreter(xlen).then((built) => built ?? generatedInterpreter(xlen));
    this.#compiled.set(xlen, compiled);
    return compiled;
  }
}

/** The threads of a domain that start at once: those of its drives and its network wait for their needs. */
export function domainThreads(pcpus: number, isTraced: boolean): readonly WorkerStart['kind'][] {
  return [
    ...Array.from({ length: pcpus }, () => 'domain' as const),
    ...(isTraced ? (['trace'] as const) : []),
  ];
}

/** It takes a tenth of a second or more, for which the page must not stand still. */
async function generatedInterpreter(xlen: Xlen): Promise<WebAssembly.Module> {
  const thread = new PageThread();
  try {
    return await thread.generate(xlen);
  } finally {
    thread.end(undefined);
  }
}

/** A worker of a machine, from the side of its page. */
class PageThread {
  readonly #worker: Worker;
  readonly #interpreter = Promise.withResolvers<WebAssembly.Module>();
  readonly #exit = Promise.withResolvers<Error | undefined>();
  #onMessage: (message: WorkerMessage) => void = () => undefined;
  #ended = false;

  /** @param life that of a machine's thread, if it is one */
  constructor(life?: ThreadLife) {
    this.#worker = startWorkerFor(life);
    // Waited for by `generate` alone.
    this.#interpreter.promise.catch(() => undefined);
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromThread>) => this.#hear(data));
    this.#worker.addEventListener('messageerror', () =>
      this.end(new Error('a message of a thread of the machine cannot be read')),
    );
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.end(new Error(event.message || NOT_LOADED));
    });
  }

  /** Tells its present owner of its messages and its end, also if that has come already. */
  attach(onMessage: (message: WorkerMessage) => void, onExit: (error: Error | undefined) => void): void {
    this.#onMessage = onMessage;
    void this.#exit.promise.then(onExit);
  }

  send(message: ToThread): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  generate(xlen: Xlen): Promise<WebAssembly.Module> {
    this.send({ kind: 'generate', xlen });
    return this.#interpreter.promise;
  }

  /** Ends it at once, unless it has ended. Its owner hears of that when the caller has returned. */
  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker.terminate();
    this.#interpreter.reject(error ?? new Error('the thread was ended'));
    this.#exit.resolve(error);
  }

  #hear(message: FromThread): void {
    if (this.#ended) return;
    switch (message.kind) {
      case 'interpreter':
        this.#interpreter.resolve(message.module);
        break;
      case 'machine':
        this.#onMessage(message.message);
        break;
      case 'done':
        this.end(undefined);
        break;
      case 'failed': {
        const error = new Error(message.message);
        if (message.stack !== undefined) error.stack = message.stack;
        this.end(error);
        break;
      }
    }
  }
}

/** A worker whose module cannot be had gives no reason. */
const NOT_LOADED =
  'The module of the threads of hartvisor could not be loaded. It lies beside the module that was imported, has to come ' +
  'from the same origin, and with "Cross-Origin-Embedder-Policy: require-corp".';

/** The facts that decide about the module of a machine's thread. */
type ThreadLife = Pick<WorkerStart, 'kind' | 'engine'>;

function startWorkerFor(life: ThreadLife | undefined): Worker {
  if (life?.kind === 'trace') return startTraceWorker();
  // Under lock step the hart's own thread has the drives.
  return life?.kind === 'domain' && life.engine !== 'lockstep' ? startPcpuWorker() : startWorker();
}

/** Written so that bundlers see it: they put the worker's module beside this one. */
function startWorker(): Worker {
  return new Worker(new URL('./thread.ts', import.meta.url), { type: 'module', name: 'hartvisor' });
}

function startPcpuWorker(): Worker {
  return new Worker(new URL('./pcpu-thread.ts', import.meta.url), { type: 'module', name: 'hartvisor pCPU' });
}

function startTraceWorker(): Worker {
  return new Worker(new URL('./trace-thread.ts', import.meta.url), {
    type: 'module',
    name: 'hartvisor trace',
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

import type { Xlen } from '../machine/cpu.ts';
import type { MachineHost, RunningThread } from '../machine/machine.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import { refuseExchange } from '../storage/http/exchange.ts';
import type { RemoteFile } from '../storage/http/range-source.ts';
import { checkIsolation } from './isolation.ts';
import type { FromThread, ThreadParts, ToThread } from './thread-messages.ts';

/** Machines in a page: their threads are dedicated workers. */
export class WebHost implements MachineHost {
  /** The time that all threads share is that of the page. */
  readonly clockOffset = 0;
  readonly #waiting: PageThread[] = [];
  readonly #closers: (() => void)[] = [];
  #parts: ThreadParts = {};
  readonly #compiled = new Map<Xlen, Promise<WebAssembly.Module>>();

  /** @throws IsolationError where a page may not share memory between threads */
  constructor() {
    checkIsolation();
  }

  /**
   * Starts a thread ahead of time: it loads its modules and makes the interpreter while the caller still fetches files.
   * The next {@link spawn} takes it.
   */
  prepare(xlen: Xlen = 64): void {
    // A failure is met by the threads that need it.
    this.#interpreter(xlen).catch(() => undefined);
  }

  /** Ends threads that were started ahead of time, and that no machine has taken, and gives up what is held. */
  close(): void {
    for (const thread of this.#waiting.splice(0)) thread.end(undefined);
    for (const close of this.#closers.splice(0).reverse()) close();
  }

  /** Takes what gives up something that is held for the machine. */
  onClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** Tells the threads that are spawned from now on of what the machine has outside. */
  give(parts: ThreadParts): void {
    this.#parts = { ...this.#parts, ...parts };
  }

  /** Starts a thread that fetches parts of a file for the one at the other end of the exchange. */
  fetchFor(exchange: SharedArrayBuffer, file: RemoteFile): void {
    const thread = new PageThread();
    thread.onExit = (error) => {
      if (error !== undefined)
        void refuseExchange(exchange, `the thread that fetches it failed: ${error.message}`);
    };
    thread.send({ kind: 'serve', exchange, file });
    this.onClose(() => thread.end(undefined));
  }

  spawn(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onExit: (error: Error | undefined) => void,
  ): RunningThread {
    const interpreter = this.#interpreter(start.xlen);
    const thread = this.#waiting.pop() ?? new PageThread();
    thread.onMessage = onMessage;
    thread.onExit = onExit;
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

  /** Made once, by a thread: it takes a tenth of a second, for which the page must not stand still. */
  #interpreter(xlen: Xlen): Promise<WebAssembly.Module> {
    const known = this.#compiled.get(xlen);
    if (known !== undefined) return known;
    const thread = new PageThread();
    const compiled = thread.generate(xlen);
    this.#compiled.set(xlen, compiled);
    this.#waiting.push(thread);
    return compiled;
  }
}

/** A worker of a machine, from the side of its page. */
class PageThread {
  onMessage: (message: WorkerMessage) => void = () => undefined;
  onExit: (error: Error | undefined) => void = () => undefined;
  readonly #worker = startWorker();
  readonly #interpreter = Promise.withResolvers<WebAssembly.Module>();
  #ended = false;

  constructor() {
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

  send(message: ToThread): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  generate(xlen: Xlen): Promise<WebAssembly.Module> {
    this.send({ kind: 'generate', xlen });
    return this.#interpreter.promise;
  }

  /** Ends it at once, unless it has ended. `onExit` is called when the caller has returned. */
  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker.terminate();
    this.#interpreter.reject(error ?? new Error('the thread was ended'));
    queueMicrotask(() => this.onExit(error));
  }

  #hear(message: FromThread): void {
    if (this.#ended) return;
    switch (message.kind) {
      case 'interpreter':
        this.#interpreter.resolve(message.module);
        break;
      case 'machine':
        this.onMessage(message.message);
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

/** Written so that bundlers see it: they put the worker's module beside this one. */
function startWorker(): Worker {
  return new Worker(new URL('./thread.ts', import.meta.url), { type: 'module', name: 'hartvisor' });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

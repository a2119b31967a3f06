import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkOptions, type OptionRules, SWITCH } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';
import type { Xlen } from '../machine/cpu.ts';
import type { MachineHost, RunningThread } from '../machine/machine-host.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import { sharedClockOffset } from './clock.ts';
import { MachineThread, type ThreadData, type ThreadModule, workerFile } from './machine-thread.ts';

export type { ThreadModule } from './machine-thread.ts';

/** Of Node's timers, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How a {@link NodeHost} has threads run. */
export interface NodeHostOptions {
  /** A process does not wait for the threads before it comes to its end. */
  readonly background?: boolean;
}

const OPTIONS: OptionRules<NodeHostOptions> = { background: SWITCH };

/** Machines on Node: their threads are `worker_threads`. */
export class NodeHost implements MachineHost {
  readonly clockOffset = sharedClockOffset();
  readonly #background: boolean;
  readonly #waiting = new Map<ThreadData['kind'], MachineThread>();
  readonly #modules: ThreadModule[] = [];
  readonly #compiled = new Map<Xlen, Promise<WebAssembly.Module>>();

  /**
   * @throws InputError for an option that does not exist, and where the files of hartvisor are not beside each other,
   *   as in a bundle
   */
  constructor(options: NodeHostOptions = {}) {
    checkOptions(options, OPTIONS);
    const { background = false } = options;
    checkFiles();
    this.#background = background;
  }

  /**
   * Starts a thread for a machine of that kind ahead of time: it loads its modules while the caller still reads files
   * and puts the machine together. The next {@link spawn} takes it. One is enough: a guest begins on one thread, and
   * the others' loading would only slow that one's down.
   */
  prepare(kind: ThreadData['kind'], xlen: Xlen = 64): void {
    this.#waiting.set(kind, MachineThread.take(kind, xlen));
    void this.#interpreter(xlen);
  }

  /** Ends threads that were started ahead of time, and that no machine has taken. */
  close(): void {
    for (const thread of this.#waiting.values()) void thread.terminate();
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
    const thread = this.#waiting.get(start.kind) ?? MachineThread.take(start.kind, start.xlen);
    this.#waiting.delete(start.kind);
    const owner = { onMessage, onExit };
    thread.own(owner, this.#background);
    this.#interpreter(start.xlen).then(
      (interpreter) => thread.begin({ start, interpreter, modules: this.#modules }),
      (error: unknown) => {
        thread.fail(error);
        void thread.terminate(owner);
      },
    );
    return { terminate: () => thread.terminate(owner) };
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

/** A bundler that takes this file into another one leaves the modules of threads behind. */
function checkFiles(): void {
  if (existsSync(workerFile)) return;
  throw new InputError(
    `hartvisor does not find the module of its threads, ${fileURLToPath(workerFile)}: it was bundled into another file. ` +
      'Have the bundler leave the package "hartvisor" alone, as an external one, and install it beside the bundle.',
  );
}

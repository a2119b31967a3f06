/** The messages between a page and its machines' threads, beside those of the machine. */
import type { Xlen } from '../machine/cpu.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';

/** To a thread. */
export type ToThread =
  /** Asks for the interpreter, before anything else; the answer is `interpreter`. */
  | { readonly kind: 'generate'; readonly xlen: Xlen }
  /** Makes it begin. */
  | ThreadBegin;

export interface ThreadBegin {
  readonly kind: 'begin';
  readonly start: WorkerStart;
  readonly interpreter: WebAssembly.Module;
  /** `performance.timeOrigin` of the page: 0 of the time that all threads share. */
  readonly timeOrigin: number;
}

/** From a thread. */
export type FromThread =
  | { readonly kind: 'interpreter'; readonly module: WebAssembly.Module }
  | { readonly kind: 'machine'; readonly message: WorkerMessage }
  /** Its life is over. */
  | { readonly kind: 'done' }
  /** It failed, and its life is over. */
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string | undefined };

/** The messages between a page and its machines' threads, beside those of the machine. */
import type { Xlen } from '../machine/cpu.ts';
import type { WorkerMessage, WorkerStart } from '../machine/worker.ts';
import type { RemoteFile } from '../storage/http/range-source.ts';
import type { DriveStart } from './drives/drive-start.ts';
import type { NetworkStart } from './network/network-start.ts';

/** To a thread. */
export type ToThread =
  /** Asks for the interpreter; the answer is `interpreter`. */
  | { readonly kind: 'generate'; readonly xlen: Xlen }
  /** Has it load the code that it will run, before it is told to begin. */
  | { readonly kind: 'load'; readonly life: WorkerStart['kind'] }
  /** Has it fetch parts of a file for another thread, until that is at its end. */
  | { readonly kind: 'serve'; readonly exchange: SharedArrayBuffer; readonly file: RemoteFile }
  /** Has it keep a disk in records for another thread, until that is at its end. */
  | {
      readonly kind: 'keep';
      readonly exchange: SharedArrayBuffer;
      readonly name: string;
      readonly readOnly: boolean;
    }
  /** Makes it begin. */
  | ThreadBegin;

/** The outside parts of a machine, as its threads are told of them. */
export interface ThreadParts {
  readonly drives?: readonly DriveStart[];
  readonly network?: NetworkStart;
}

export interface ThreadBegin {
  readonly kind: 'begin';
  readonly start: WorkerStart;
  readonly interpreter: WebAssembly.Module;
  /** `performance.timeOrigin` of the page: 0 of the time that all threads share. */
  readonly timeOrigin: number;
  readonly parts: ThreadParts;
}

/** From a thread. */
export type FromThread =
  | { readonly kind: 'interpreter'; readonly module: WebAssembly.Module }
  | { readonly kind: 'machine'; readonly message: WorkerMessage }
  /** Its life is over. */
  | { readonly kind: 'done' }
  /** It failed, and its life is over. */
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string | undefined };

/** What a machine's threads and its owner tell each other. */
import type { Control, News } from './control.ts';
import type { Engine } from './engine.ts';
import type { MachinePlan } from './plan.ts';

/** Where the harts of a bare machine start, all of them in M-mode with their number in a0. Physical addresses. */
export interface RunBare {
  readonly entry: number;
  /** Goes into a1. */
  readonly deviceTreeAddress: number;
  /** Goes into a2: OpenSBI's fw_dynamic information, or 0. */
  readonly dynamicInfo: number;
  /** Address of the symbol `tohost`, if the program has it. */
  readonly tohost?: number;
  readonly fromhost?: number;
}

/** What a thread is given to start with; it can be sent by `postMessage`. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory;
  readonly plan: MachinePlan;
  /** Number of the pCPU, or of the bare hart. */
  readonly index: number;
  /** Shared time in milliseconds at which guest time is 0. */
  readonly startedAt: number;
  readonly engine: Engine;
  /** Name of the interrupt protocol of a domain. */
  readonly protocol: string;
  /** The order of accesses to force where the protocol's sync and set meet (`forceOrder`). */
  readonly forcedOrder?: string;
  /** Check the rules of the vCPU loop. */
  readonly debug: boolean;
  /** Where a bare machine starts. */
  readonly bare?: RunBare;
}

/**
 * What a thread tells the main thread. A guest can cause no more than a bounded number of messages that wait: `news` is sent
 * when none is under way, notices are counted, and the other two come with the machine's end.
 */
export type WorkerMessage =
  /** `Control.takeNews` has something. */
  | { readonly kind: 'news' }
  /** The guest can make no progress; in words why. The machine is ending. */
  | { readonly kind: 'stuck'; readonly text: string }
  /** Compiled and interpreted code do not do the same; in words how. The machine is ending. */
  | { readonly kind: 'differs'; readonly text: string }
  /** Some of the guest's code did not compile, and is interpreted; in words which. Once a thread. */
  | { readonly kind: 'refused'; readonly text: string }
  /** For people: a line that is worth knowing. */
  | { readonly kind: 'notice'; readonly text: string };

/** What the thread's surroundings provide. */
export interface WorkerHost {
  /** The compiled interpreter (`generateInterpreter`). */
  readonly interpreter: WebAssembly.Module;
  /** Milliseconds to add to this thread's `performance.now()` for the time that all threads share. */
  readonly clockOffset: number;
  notify(message: WorkerMessage): void;
}

/** How a thread tells news: each kind until the main thread has taken it. */
export function newsTeller(control: Control, host: WorkerHost): (news: News) => void {
  return (news) => {
    if (control.tell(news)) host.notify({ kind: 'news' });
  };
}

import type { Backends } from '../devices/backends.ts';
import type { WorkerMessage, WorkerStart } from './thread.ts';

/** A thread that the surroundings have started. */
export interface RunningThread {
  /** Ends it wherever it is. Fulfilled when it has ended. */
  terminate(): Promise<void>;
}

/** Services of the surroundings (Node, a page). */
export interface MachineHost {
  /** Milliseconds to add to `performance.now()` of the calling thread for the time that all threads share. */
  readonly clockOffset: number;
  /**
   * Starts a thread that calls the function of `loadWorker(start.kind)`; `onExit` is called when it has returned or
   * failed.
   */
  spawn(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onExit: (error: Error | undefined) => void,
  ): RunningThread;
  /**
   * Keeps the program running until the function that it gives is called, where it does not wait for threads of
   * machines by itself.
   */
  hold?(): () => void;
}

/** The backends that the machine's owner gives it, and the functions that tell the owner of events. */
export interface MachineCallbacks extends Backends {
  /** For people. */
  onNotice?(text: string): void;
}

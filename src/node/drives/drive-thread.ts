/** Loaded by the threads of a machine that has drives. */
import type { WorkerHost } from '../../machine/thread.ts';
import { Overlay } from '../../storage/overlay.ts';
import { FileStorage } from './file-storage.ts';

/** An open drive, as threads are told of it: descriptors belong to the whole process. */
export interface OpenDrive {
  readonly descriptor: number;
  /** The file for changes, where these are not to last. */
  readonly changes: number | undefined;
  readonly bytes: number;
}

/** Gives a thread the contents of drives. */
export function extendHost(drives: readonly OpenDrive[]): Partial<WorkerHost> {
  return {
    openDrive: (index) => {
      const { descriptor, changes, bytes } = drives[index];
      const file = new FileStorage(descriptor, bytes);
      return changes === undefined ? file : new Overlay(file, new FileStorage(changes, bytes));
    },
  };
}

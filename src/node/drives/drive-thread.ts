/** Loaded by the threads of a machine that has drives. */
import type { WorkerHost } from '../../machine/thread.ts';
import { Overlay } from '../../storage/overlay.ts';
import type { Storage } from '../../storage/storage.ts';
import { FileStorage } from './file-storage.ts';
import { type Layer, storageOf } from './layers.ts';

/** An open drive, as threads are told of it: descriptors belong to the whole process. */
export interface OpenDrive {
  readonly layer: Layer;
  /** The file for changes, where these are not to last. */
  readonly changes: number | undefined;
  readonly bytes: number;
}

/** Gives a thread the contents of drives. */
export function extendHost(drives: readonly OpenDrive[]): Partial<WorkerHost> {
  const opened: { readonly file: string; readonly storage: Storage }[] = [];
  const remotes: Storage[] = [];
  return {
    openDrive: (index) => {
      const { layer, changes, bytes } = drives[index];
      const below = storageOf(layer, remotes);
      const storage = changes === undefined ? below : new Overlay(below, new FileStorage(changes, bytes));
      opened.push({ file: layer.file, storage });
      return storage;
    },
    closeDrives: () => {
      const troubles = opened.splice(0).flatMap(({ file, storage }) => close(file, storage));
      for (const remote of remotes.splice(0)) remote.close();
      return troubles;
    },
  };
}

function close(file: string, storage: Storage): readonly string[] {
  try {
    storage.close();
    return [];
  } catch (error) {
    return [`The drive ${file} could not be written to its end: ${(error as Error).message}.`];
  }
}

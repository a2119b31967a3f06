/** Loaded by the threads of a machine that has drives. */
import type { WorkerHost } from '../../machine/thread.ts';
import { Overlay } from '../../storage/overlay.ts';
import { ClusterPlaces } from '../../storage/qcow2/cluster-places.ts';
import { PlacedData } from '../../storage/qcow2/placed-data.ts';
import type { Storage } from '../../storage/storage.ts';
import { FileStorage } from './file-storage.ts';
import { type Layer, storageOf } from './layers.ts';

/** An open drive, as threads are told of it: descriptors belong to the whole process. */
export interface OpenDrive {
  readonly layer: Layer;
  /** The file for changes, where these are not to last. */
  readonly changes: number | undefined;
  readonly bytes: number;
  /** Where the data of an image is in its file, for threads that do not have its tables; see {@link ClusterPlaces}. */
  readonly places: SharedArrayBuffer | undefined;
}

/** Gives a thread the contents of drives. */
export function extendHost(drives: readonly OpenDrive[]): Partial<WorkerHost> {
  const opened: { readonly file: string; readonly storage: Storage }[] = [];
  const remotes: Storage[] = [];
  return {
    openDrive: (index) => {
      const { layer, changes, bytes, places } = drives[index];
      const below = storageOf(layer, remotes, places && new ClusterPlaces(places));
      const storage = changes === undefined ? below : new Overlay(below, new FileStorage(changes, bytes));
      opened.push({ file: layer.file, storage });
      return storage;
    },
    openShortDrive: (index) => {
      const { layer, bytes, places } = drives[index];
      if (places === undefined || typeof layer.source !== 'number') return undefined;
      const file = new FileStorage(layer.source, Number.MAX_SAFE_INTEGER);
      return new PlacedData(file, new ClusterPlaces(places), bytes);
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

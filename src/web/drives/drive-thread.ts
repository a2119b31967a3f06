/** The side of drives that their threads load. */
import { driveLane } from '../../devices/descriptor.ts';
import type { WorkerHost, WorkerStart } from '../../machine/worker.ts';
import { HttpStorage } from '../../storage/http/http-storage.ts';
import { ThreadSource } from '../../storage/http/thread-source.ts';
import type { ImageFile } from '../../storage/image-file.ts';
import { inflate } from '../../storage/inflate.ts';
import { Overlay } from '../../storage/overlay.ts';
import { ProbedRaw } from '../../storage/probed-raw.ts';
import type { ClusterUnpackers } from '../../storage/qcow2/compressed.ts';
import { Qcow2Image } from '../../storage/qcow2/image.ts';
import { SparseStorage } from '../../storage/sparse-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import type { DriveLayer, DriveStart, StoredLayer } from './drive-start.ts';
import { diskFile } from './files/file-keeper.ts';
import { HandleImage, type SyncAccessHandle } from './files/handle-image.ts';
import { ImageStorage } from './image-storage.ts';
import { AskedBlocks } from './records/asked-blocks.ts';
import { RecordImage } from './records/record-image.ts';

/** Bytes of changes to a drive that are kept in memory. */
const MOST_CHANGES = 2 ** 29;

/** Milliseconds that a browser may take until it has ended the threads of a page that was left or reloaded. */
const LEAVING_MS = 20_000;
const LOOK_MS = 50;

const unpackers: ClusterUnpackers = {
  zlib: inflate,
  zstd: () => {
    throw new Error('pages do not unpack zstd');
  },
};

/**
 * Opens the files that a thread needs for its drives: only the one that works for a drive may have its file open.
 *
 * @throws Error when the browser does not give a file
 */
export async function extendHost(
  drives: readonly DriveStart[],
  start: WorkerStart,
): Promise<Partial<WorkerHost>> {
  const handles = new Map<string, SyncAccessHandle>();
  for (const [index, { layer }] of drives.entries()) {
    if (layer.kind === 'stored' && layer.exchange === undefined && worksFor(start, index))
      handles.set(layer.name, await openHandle(layer));
  }
  const opened: { readonly file: string; readonly storage: Storage }[] = [];
  return {
    openDrive: (index) => {
      const { file, layer, forgets, bytes } = drives[index];
      const below = storageOf(layer, handles);
      const storage = forgets ? new Overlay(below, new SparseStorage(bytes, MOST_CHANGES)) : below;
      opened.push({ file, storage });
      return storage;
    },
    closeDrives: () => {
      const troubles = opened.splice(0).flatMap(({ file, storage }) => close(file, storage));
      for (const handle of handles.values()) handle.close();
      for (const [index, { layer }] of drives.entries()) {
        if (layer.kind === 'stored' && layer.exchange !== undefined && worksFor(start, index))
          new AskedBlocks(layer.exchange).end();
      }
      return troubles;
    },
  };
}

/** Under lock step the hart's own thread does. */
function worksFor(start: WorkerStart, drive: number): boolean {
  return start.kind === 'io' ? start.lane === driveLane(drive) : start.engine === 'lockstep';
}

async function openHandle({ name, readOnly }: StoredLayer): Promise<SyncAccessHandle> {
  const file = await diskFile(name);
  if (file === undefined) throw new Error(`the disk ${name} was removed meanwhile`);
  const { createSyncAccessHandle } = file as unknown as {
    createSyncAccessHandle(options: { readonly mode: string }): Promise<SyncAccessHandle>;
  };
  const open = () => createSyncAccessHandle.call(file, { mode: readOnly ? 'read-only' : 'readwrite' });
  const late = performance.now() + LEAVING_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isTaken(error) || performance.now() > late) throw error;
      await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

/** The page has the lock of the disk, so that the thread that has it open is one of a page that was left. */
function isTaken(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NoModificationAllowedError';
}

function storageOf(layer: DriveLayer, handles: ReadonlyMap<string, SyncAccessHandle>): Storage {
  if (layer.kind === 'remote') {
    const remote = new HttpStorage(layer.file.size, new ThreadSource(layer.exchange));
    return layer.format === 'raw' ? remote : Qcow2Image.open(remote, { readOnly: true, unpackers });
  }
  const image = imageOf(layer, handles);
  if (layer.format === 'qcow2') return Qcow2Image.open(image, { readOnly: layer.readOnly, unpackers });
  const raw = new ImageStorage(image);
  return layer.probed && !layer.readOnly ? new ProbedRaw(raw) : raw;
}

function imageOf({ name, exchange }: StoredLayer, handles: ReadonlyMap<string, SyncAccessHandle>): ImageFile {
  if (exchange !== undefined) return new RecordImage(new AskedBlocks(exchange));
  const handle = handles.get(name);
  if (handle === undefined) throw new Error('this thread does not work for that drive');
  return new HandleImage(handle);
}

function close(file: string, storage: Storage): readonly string[] {
  try {
    storage.flush();
    storage.close();
    return [];
  } catch (error) {
    return [`The drive ${file} could not be written to its end: ${(error as Error).message}.`];
  }
}

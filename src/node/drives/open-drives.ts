import { ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriveFacts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { ClusterPlaces } from '../../storage/qcow2/cluster-places.ts';
import type { Storage } from '../../storage/storage.ts';
import type { ThreadModule } from '../node-host.ts';
import { isUrl, remoteLayer } from './connect-drives.ts';
import { checkDriveOptions, type DriveOptions } from './drive-options.ts';
import type { OpenDrive } from './drive-thread.ts';
import { type Layer, storageOf } from './layers.ts';
import { checkQemu, checkUnlocked, type FileLock, lockFile } from './lock-file.ts';
import { closeAll, imageMistake, openLayers } from './open-layers.ts';

const SECTOR = 512;

/** Drives of one machine, which are open until the process ends or they are closed. */
export interface OpenDrives {
  readonly facts: readonly DriveFacts[];
  /** By which threads get at them. */
  readonly module: ThreadModule;
  /** Closes all that is open, when the threads of the machine have ended. */
  close(): void;
}

/**
 * Opens the files of drives. An image that was not closed is repaired.
 *
 * @throws InputError that names the file that cannot be used, the reason, and a remedy
 */
export function openDrives(options: readonly DriveOptions[]): OpenDrives {
  checkDriveOptions(options);
  const descriptors: number[] = [];
  const locks: FileLock[] = [];
  const close = () => {
    closeAll(descriptors);
    for (const lock of locks.splice(0)) lock.release();
  };
  try {
    const opened = options.map((drive) => {
      const { file, readOnly, snapshot, format } = drive;
      const onOpen = (descriptor: number) => descriptors.push(descriptor);
      const layer = isUrl(file)
        ? remoteLayer(drive)
        : openLayers({ file, readOnly: readOnly || snapshot, format }, onOpen);
      lock(layer, locks);
      const bytes = sizeOf(layer);
      const changes = snapshot ? temporary(bytes, onOpen) : undefined;
      return { layer, changes, bytes, places: placesOf(layer, snapshot) } satisfies OpenDrive;
    });
    const facts = options.map(({ file, readOnly, serial }, index) => ({
      ...{
        name: file,
        bytes: opened[index].bytes,
        readOnly,
        serial,
        anyThread: isOfAnyThread(opened[index]),
      },
    }));
    const own = import.meta.url;
    // Beside this file in a checkout; in a package the bundler has both in one folder.
    const url = new URL(own.endsWith('.ts') ? './drive-thread.ts' : './drives/drive-thread.js', own).href;
    return { facts, module: { url, data: opened }, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Whether all that is known of a drive is in its file. */
function isOfAnyThread({ layer: { source, format }, changes }: OpenDrive): boolean {
  return typeof source === 'number' && format === 'raw' && changes === undefined;
}

/** Memory for the places of an image's data, where its file has all of the drive. */
function placesOf({ source, format }: Layer, snapshot: boolean): SharedArrayBuffer | undefined {
  return typeof source === 'number' && format === 'qcow2' && !snapshot ? ClusterPlaces.create() : undefined;
}

/** Takes care that nobody writes to the files of a drive meanwhile. */
function lock(layer: Layer, locks: FileLock[]): void {
  for (let each: Layer | undefined = layer; each !== undefined; each = each.backing) {
    const { file, source, readOnly } = each;
    if (typeof source !== 'number') continue;
    const who = each === layer ? `The drive ${file}` : `The file ${file}, over which ${layer.file} lies,`;
    checkQemu(who, source, !readOnly);
    if (readOnly) checkUnlocked(who, file);
    else locks.push(lockFile(who, file));
  }
}

/** Bytes of the disk that a file holds, all layers of which are looked at. */
function sizeOf(layer: Layer): number {
  const { file, format, bytes } = layer;
  if (format === 'raw') {
    if (bytes % SECTOR === 0) return bytes;
    throw new InputError(
      `The drive ${file} has ${bytes} bytes, which are not whole sectors of ${SECTOR} bytes. ` +
        `Make it longer: truncate -s ${Math.ceil(bytes / SECTOR) * SECTOR} ${file}`,
    );
  }
  const remotes: Storage[] = [];
  try {
    const size = Math.floor(storageOf(layer, remotes).size / SECTOR) * SECTOR;
    if (size > 0) return size;
  } catch (error) {
    throw imageMistake(`The drive ${file}`, error);
  } finally {
    for (const remote of remotes) remote.close();
  }
  throw new InputError(
    `The drive ${file} is an image without a single sector. qemu-img resize gives it some.`,
  );
}

/** A file without a name, which takes room only for written blocks. @param onOpen is given its descriptor */
function temporary(bytes: number, onOpen: (descriptor: number) => void): number {
  const path = join(tmpdir(), `hartvisor-${process.pid}-${crypto.randomUUID()}`);
  try {
    const descriptor = openSync(path, 'wx+', 0o600);
    // Before anything can fail.
    onOpen(descriptor);
    unlinkSync(path);
    ftruncateSync(descriptor, bytes);
    return descriptor;
  } catch (error) {
    throw new InputError(
      `No temporary file of ${bytes} bytes can be made in ${tmpdir()} for changes to a drive: ` +
        `${(error as Error).message}. TMPDIR names another folder.`,
    );
  }
}

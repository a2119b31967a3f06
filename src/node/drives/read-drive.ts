import type { Storage } from '../../storage/storage.ts';
import { isUrl, remoteLayer } from './connect-drives.ts';
import type { DriveOptions } from './drive-options.ts';
import { storageOf } from './layers.ts';
import { closeAll, imageMistake, openLayers } from './open-layers.ts';

/**
 * Opens the file of a drive for this thread, which reads it and does not keep it.
 *
 * @param drive - one of those that `connectDrives` gave
 * @throws InputError that names the file that cannot be used, the reason, and a remedy
 */
export function readDrive<T>(drive: DriveOptions, use: (content: Storage) => T): T {
  const descriptors: number[] = [];
  const remotes: Storage[] = [];
  try {
    const { file, format } = drive;
    const layer = isUrl(file)
      ? remoteLayer(drive)
      : openLayers({ file, readOnly: true, format }, (descriptor) => descriptors.push(descriptor));
    return use(storageOf(layer, remotes));
  } catch (error) {
    throw imageMistake(`The drive ${drive.file}`, error);
  } finally {
    for (const remote of remotes) remote.close();
    closeAll(descriptors);
  }
}

import { closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { InputError } from '../../errors/input-error.ts';
import { createQcow2 } from '../../storage/qcow2/create.ts';
import { FileImage } from './file-image.ts';
import type { DriveFormat } from './formats.ts';
import { storageOf } from './layers.ts';
import { closeAll, imageMistake, openLayers } from './open-layers.ts';

/** An image that is to be made. */
export interface ImageOptions {
  readonly file: string;
  /** Bytes; undefined: as many as the file below the image has. */
  readonly size: number | undefined;
  /** The file below it, by its path from the folder of the image on. */
  readonly backing: string | undefined;
  /** The format of the file of `backing`; found by its contents unless it is given. */
  readonly backingFormat: DriveFormat | undefined;
}

/**
 * Makes an empty qcow2 image. A file that is there already stays as it is.
 *
 * @returns its size in bytes, as a guest sees it
 * @throws InputError with the reason
 */
export function createImage({ file, size, backing, backingFormat }: ImageOptions): number {
  const below = backing === undefined ? undefined : lookBelow(file, backing, backingFormat);
  const bytes = size ?? below?.size;
  if (bytes === undefined) throw new InputError(`The image ${file} needs a size, as 4G.`);
  const descriptor = createFile(file);
  try {
    createQcow2(new FileImage(descriptor), {
      size: bytes,
      backing:
        backing === undefined || below === undefined ? undefined : { name: backing, format: below.format },
    });
    return bytes;
  } catch (error) {
    unlinkSync(file);
    throw imageMistake(`The image ${file}`, error);
  } finally {
    closeSync(descriptor);
  }
}

/** Size and format of the file that an image is to lie over. */
function lookBelow(file: string, backing: string, format: DriveFormat | undefined) {
  const descriptors: number[] = [];
  try {
    const path = isAbsolute(backing) ? backing : join(dirname(file), backing);
    const layer = openLayers({ file: path, readOnly: true, format }, (each) => descriptors.push(each));
    return { size: storageOf(layer, []).size, format: layer.format };
  } catch (error) {
    throw imageMistake(`The drive ${backing}`, error);
  } finally {
    closeAll(descriptors);
  }
}

function createFile(file: string): number {
  try {
    return openSync(file, 'wx+');
  } catch (error) {
    const exists = statSync(file, { throwIfNoEntry: false }) !== undefined;
    throw new InputError(
      exists
        ? `The file ${file} is there already. Remove it, or give another name.`
        : `The image ${file} cannot be made: ${(error as Error).message}.`,
    );
  }
}

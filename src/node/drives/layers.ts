import { ProbedRaw } from '../../storage/probed-raw.ts';
import { Qcow2Image } from '../../storage/qcow2/image.ts';
import type { Storage } from '../../storage/storage.ts';
import { clusterUnpackers } from './cluster-unpackers.ts';
import { FileImage } from './file-image.ts';
import { FileStorage } from './file-storage.ts';
import type { DriveFormat } from './formats.ts';

/** An open file that holds a disk, and those that it lies over. It can be sent by `postMessage`. */
export interface Layer {
  /** For people. */
  readonly file: string;
  readonly descriptor: number;
  readonly format: DriveFormat;
  /** The format was not given: it is what the file looked like. */
  readonly probed: boolean;
  /** Of the file. */
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly backing: Layer | undefined;
}

/** The contents of a layer. @throws ImageError for an image that cannot be used */
export function storageOf(layer: Layer): Storage {
  const { descriptor, format, probed, bytes, readOnly, backing } = layer;
  if (format === 'raw') {
    const file = new FileStorage(descriptor, bytes);
    return probed && !readOnly ? new ProbedRaw(file) : file;
  }
  return Qcow2Image.open(new FileImage(descriptor), {
    readOnly,
    unpackers: clusterUnpackers,
    backing: backing === undefined ? undefined : storageOf(backing),
  });
}

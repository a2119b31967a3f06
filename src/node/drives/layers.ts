import type { RemoteFile } from '../../storage/http/range-source.ts';
import { ProbedRaw } from '../../storage/probed-raw.ts';
import type { ClusterPlaces } from '../../storage/qcow2/cluster-places.ts';
import { Qcow2Image } from '../../storage/qcow2/image.ts';
import type { Storage } from '../../storage/storage.ts';
import { clusterUnpackers } from './cluster-unpackers.ts';
import { FileImage } from './file-image.ts';
import { FileStorage } from './file-storage.ts';
import type { DriveFormat } from './formats.ts';
import { remoteStorage } from './remote-storage.ts';

/** An open file that holds a disk, and those that it lies over. It can be sent by `postMessage`. */
export interface Layer {
  /** For people. */
  readonly file: string;
  /** A descriptor of this process, or a file of a server. */
  readonly source: number | RemoteFile;
  readonly format: DriveFormat;
  /** The format was not given: it is that of the file's first bytes. */
  readonly probed: boolean;
  /** Of the file. */
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly backing: Layer | undefined;
}

/**
 * The contents of a layer.
 *
 * @param remotes gets those of servers, each of which has a thread until it is closed
 * @param places is told where an image's data is, for other threads
 * @throws ImageError for an image that cannot be used
 */
export function storageOf(layer: Layer, remotes: Storage[], places?: ClusterPlaces): Storage {
  const { source, format, probed, bytes, readOnly, backing } = layer;
  if (typeof source !== 'number') {
    const remote = remoteStorage(source);
    remotes.push(remote);
    return format === 'raw'
      ? remote
      : Qcow2Image.open(remote, { readOnly: true, unpackers: clusterUnpackers });
  }
  if (format === 'raw') {
    const file = new FileStorage(source, bytes);
    return probed && !readOnly ? new ProbedRaw(file) : file;
  }
  return Qcow2Image.open(new FileImage(source), {
    ...{ readOnly, places },
    unpackers: clusterUnpackers,
    backing: backing === undefined ? undefined : storageOf(backing, remotes),
  });
}

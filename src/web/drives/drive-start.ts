import type { RemoteFile } from '../../storage/http/range-source.ts';

/** Formats of drives. */
export const DRIVE_FORMATS = ['raw', 'qcow2'] as const;

export type DriveFormat = (typeof DRIVE_FORMATS)[number];

/** A file that holds a disk. It can be sent by `postMessage`. */
export type DriveLayer = StoredLayer | RemoteLayer;

/** A disk that this browser keeps. */
export interface StoredLayer {
  readonly kind: 'stored';
  /** Its name among the disks of the page's origin. */
  readonly name: string;
  readonly format: DriveFormat;
  /** The format was not given: it is that of the file's first bytes. */
  readonly probed: boolean;
  readonly readOnly: boolean;
  /** By which another thread keeps its records; undefined for a file. */
  readonly exchange: SharedArrayBuffer | undefined;
}

/** A file of a server, which another thread fetches parts of. */
export interface RemoteLayer {
  readonly kind: 'remote';
  readonly file: RemoteFile;
  readonly format: DriveFormat;
  readonly exchange: SharedArrayBuffer;
}

/** A drive, as the thread that works for it is told of it. */
export interface DriveStart {
  /** For people. */
  readonly file: string;
  readonly layer: DriveLayer;
  /** Changes are kept in memory, and are gone with the machine. */
  readonly forgets: boolean;
  readonly bytes: number;
}

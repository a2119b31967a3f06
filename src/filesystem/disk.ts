import type { Storage } from '../storage/storage.ts';

/** A disk, or a part of one, that is read. Its content may be anybody's. */
export type Disk = Pick<Storage, 'size' | 'read'>;

/**
 * The contents of a disk are damaged, or of a kind not known here. The message goes on from the name of the part that
 * was read: "has ...".
 */
export class DiskError extends Error {
  override readonly name: string = 'DiskError';
}

/** A range of a disk as a disk. Bytes beyond the end of the disk below cannot be read. */
export function partOf(disk: Disk, start: number, size: number): Disk {
  return {
    size,
    read(offset, into) {
      readInside({ size, read: (at, bytes) => disk.read(start + at, bytes) }, offset, into);
    },
  };
}

/**
 * Reads from a disk.
 *
 * @throws DiskError where that is not all inside: some number on the disk is wrong
 */
export function readInside(disk: Disk, offset: number, into: Uint8Array): void {
  if (!(offset >= 0 && offset + into.length <= disk.size))
    throw new DiskError(`is damaged: it names bytes at ${offset}, beyond its end at ${disk.size}`);
  disk.read(offset, into);
}

/** So many bytes of a disk, as {@link readInside}. */
export function bytesAt(disk: Disk, offset: number, length: number): DataView<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  readInside(disk, offset, bytes);
  return new DataView(bytes.buffer);
}

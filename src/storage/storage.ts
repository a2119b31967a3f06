/**
 * A drive's contents: bytes at offsets below a size that does not change. All work is done when a method returns, on
 * the thread that calls it. One thread uses an object at a time.
 */
export interface Storage {
  /** Bytes. */
  readonly size: number;
  /**
   * Fills `into` with the bytes from an offset on.
   *
   * @throws Error where that range is not all inside, or the host cannot read
   */
  read(offset: number, into: Uint8Array): void;
  /** @throws Error as {@link read}, or where the storage is only to be read */
  write(offset: number, from: Uint8Array): void;
  /** As {@link read}, into several places one after the other. */
  readParts(offset: number, into: readonly Uint8Array[]): void;
  /** As {@link write}, from several places one after the other. */
  writeParts(offset: number, from: readonly Uint8Array[]): void;
  /** Returns when everything written before is as safe as the host can make it. */
  flush(): void;
  /** Makes a range read as zeroes. @param discard the range may give its space back */
  zero(offset: number, bytes: number, discard: boolean): void;
  /** Leaves the files below as {@link close} would; the use may go on. As {@link flush} where it is left out. */
  settle?(): void;
  /** The changes, if they do not last: in pieces, each for {@link takeChange} of an object like this. */
  changes?(): Iterable<Uint8Array>;
  /** Makes a change of another object, before this one is used. @throws RangeError for anything else */
  takeChange?(change: Uint8Array): void;
  /** Ends the use: writes all that is only in memory. The files below stay open. */
  close(): void;
}

/** Some of a drive's contents, as a thread has them that does not have all: reads and writes that are short there. */
export interface ShortStorage extends Pick<Storage, 'size' | 'readParts' | 'writeParts'> {
  /** Whether a range can be read here, or written, until another thread uses the drive. Anything may be asked. */
  has(offset: number, bytes: number, writes: boolean): boolean;
}

/** @throws RangeError unless so many bytes from an offset on are inside */
export function checkRange({ size }: Pick<Storage, 'size'>, offset: number, bytes: number): void {
  if (offset >= 0 && bytes >= 0 && offset + bytes <= size) return;
  throw new RangeError(`${bytes} bytes at ${offset} are beyond the end of a drive of ${size} bytes`);
}

/** Reads into several places for a storage that knows no better way. */
export function readEach(storage: Pick<Storage, 'read'>, offset: number, into: readonly Uint8Array[]): void {
  let at = offset;
  for (const part of into) {
    storage.read(at, part);
    at += part.length;
  }
}

/** Writes from several places, as {@link readEach} reads. */
export function writeEach(
  storage: Pick<Storage, 'write'>,
  offset: number,
  from: readonly Uint8Array[],
): void {
  let at = offset;
  for (const part of from) {
    storage.write(at, part);
    at += part.length;
  }
}

/** Bytes of all parts together. */
export function bytesOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { length } of parts) bytes += length;
  return bytes;
}

/** The parts of so many bytes from an offset in consecutive parts on. */
export function sliceParts(parts: readonly Uint8Array[], offset: number, bytes: number): Uint8Array[] {
  const slices: Uint8Array[] = [];
  let skip = offset;
  let left = bytes;
  for (const part of parts) {
    if (left === 0) break;
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const length = Math.min(part.length - skip, left);
    slices.push(length === part.length ? part : part.subarray(skip, skip + length));
    left -= length;
    skip = 0;
  }
  return slices;
}

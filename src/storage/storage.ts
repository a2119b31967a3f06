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
  /** Returns when everything written before is as safe as the host can make it. */
  flush(): void;
  /** Makes a range read as zeroes. @param discard the range may give its space back */
  zero(offset: number, bytes: number, discard: boolean): void;
  /** Ends the use: writes what is only in memory. The files below stay open. */
  close(): void;
}

/** @throws RangeError unless so many bytes from an offset on are inside */
export function checkRange({ size }: Pick<Storage, 'size'>, offset: number, bytes: number): void {
  if (offset >= 0 && bytes >= 0 && offset + bytes <= size) return;
  throw new RangeError(`${bytes} bytes at ${offset} are beyond the end of a drive of ${size} bytes`);
}

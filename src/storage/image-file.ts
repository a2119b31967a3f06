/**
 * A file of the host that holds an image: it grows where it is written behind its end. All work is done when a method
 * returns.
 */
export interface ImageFile {
  /** Bytes now. */
  readonly length: number;
  /** Fills `into` with the bytes from an offset on; those behind the end are zeroes. */
  read(offset: number, into: Uint8Array): void;
  write(offset: number, from: Uint8Array): void;
  /** As {@link read} and {@link write}, with several places one after the other. */
  readParts(offset: number, into: readonly Uint8Array[]): void;
  writeParts(offset: number, from: readonly Uint8Array[]): void;
  /** Returns when everything written before is as safe as the host can make it. */
  flush(): void;
}

/** Bytes of a disk in one record. */
export const BLOCK = 2 ** 16;

/** Blocks of a disk, as a thread that waits has them. Those that were never written are empty. */
export interface BlockStore {
  /** Bytes of the disk. */
  length(): number;
  /**
   * @returns the block, which may be shorter than {@link BLOCK}: the rest is zeroes. It is valid until the next call
   */
  read(index: number): Uint8Array;
  /**
   * Takes a block, or its beginning where the disk ends in it. It is kept a moment later, or by the next {@link flush}.
   *
   * @throws Error where the browser did not take earlier ones, and no more can wait
   */
  put(index: number, bytes: Uint8Array): void;
  /** Returns when everything is as safe as the browser can make it. @throws Error where the browser does not take it */
  flush(): void;
}

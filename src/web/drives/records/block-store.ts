/** Bytes of a disk in one record. */
export const BLOCK = 2 ** 16;

/** Blocks of a disk, as a thread that waits has them. Those that were never written are empty. */
export interface BlockStore {
  /** Bytes of the disk. */
  length(): number;
  /** @returns the block, which may be shorter than {@link BLOCK}: the rest is zeroes. It is valid until the next call */
  read(index: number): Uint8Array;
  /** Takes a block for the next {@link commit}. */
  put(index: number, bytes: Uint8Array): void;
  /**
   * Keeps what was put, all of it or nothing.
   *
   * @param length bytes of the disk from now on
   * @param safe returns when it would outlast a failure of power
   * @throws Error where the browser does not take it; what was put is forgotten
   */
  commit(length: number, safe: boolean): void;
}

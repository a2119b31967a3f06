/** How the parts of a snapshot are packed; a host gives its own way. All of it is done beside the calling thread. */
export interface SnapshotCodec {
  /** As the file names it: a reader needs one of the same name. */
  readonly name: string;
  pack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** @param size of the content, in bytes; more is refused. @throws Error for bytes that are nothing packed */
  unpack(packed: Uint8Array, size: number): Promise<Uint8Array>;
  /**
   * Unpacks pages of RAM right into their places, where another thread does that: by itself, the reader unpacks and
   * places one after the other.
   *
   * @param size of the content, in bytes; more is refused
   * @param ram all of it, in memory that threads share
   * @returns whether all of it had its place
   * @throws Error for bytes that are nothing packed
   */
  readonly unpackPages?: (packed: Uint8Array, size: number, ram: Uint8Array) => Promise<boolean>;
  /** CRC-32 as in `crc32.ts`, where the host has a faster one. */
  readonly crc32?: (bytes: Uint8Array, before: number) => number;
}

/** Leaves everything as it is. */
export const PLAIN_CODEC: SnapshotCodec = {
  name: 'none',
  pack: (bytes) => Promise.resolve(bytes),
  unpack: (packed, size) =>
    packed.length === size ? Promise.resolve(packed) : Promise.reject(new Error('it has another length')),
};

/** Where a snapshot is written to, piece by piece. */
export interface SnapshotSink {
  /** @param bytes are the sink's from then on */
  write(bytes: Uint8Array): Promise<void>;
}

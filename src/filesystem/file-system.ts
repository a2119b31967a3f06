/** A file of a file system that is read. */
export interface FoundFile {
  readonly bytes: number;
  /**
   * The whole content; the caller has looked at `bytes`.
   *
   * @throws DiskError where the file system is damaged
   */
  read(): Uint8Array<ArrayBuffer>;
}

/** A file system of a disk, which is only read. Paths go from its root on, and links are followed within it. */
export interface FileSystem {
  /** As Linux writes it, for `root=UUID=`. */
  readonly uuid: string;
  /**
   * @returns undefined unless there is a file of that name
   * @throws DiskError where the file system is damaged
   */
  find(path: string): FoundFile | undefined;
  /**
   * The names in a directory; none where there is no such directory.
   *
   * @throws DiskError where the file system is damaged
   */
  list(path: string): readonly string[];
}

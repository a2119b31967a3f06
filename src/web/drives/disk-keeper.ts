/** A disk that the browser keeps. */
export interface StoredDisk {
  /** For `disk` of `boot`, with `opfs:` before it. */
  readonly name: string;
  /** Bytes that it takes here; a guest's view of it can be larger. */
  readonly bytes: number;
}

/** A disk as it is now. */
export interface KeptDisk extends StoredDisk {
  readonly keeper: DiskKeeper;
  /** When it was changed last, in milliseconds. */
  readonly changed: number;
  /** Its first bytes, as many as there are. */
  start(bytes: number): Promise<Uint8Array<ArrayBuffer>>;
  content(): Promise<Blob>;
}

/**
 * A way to keep disks in a browser.
 *
 * Every method throws {@link Unavailable} where the browser does not have it for this page.
 */
export interface DiskKeeper {
  /** Where a thread finds its disks: in a file that it opens, or in records of another thread. */
  readonly kind: 'file' | 'records';
  check(): Promise<void>;
  find(name: string): Promise<KeptDisk | undefined>;
  list(): Promise<readonly StoredDisk[]>;
  /** Keeps content under a name that is free. Content that could not be written whole is not kept. */
  write(name: string, content: Blob): Promise<void>;
  remove(name: string): Promise<void>;
}

/** A browser does not keep anything in that way for this page. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

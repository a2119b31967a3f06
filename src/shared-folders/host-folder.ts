/** An open directory or file of the host, or one that is only held so that it can be found again. */
export type Descriptor = number;

/** The name of a file in its directory, in bytes: not empty, not `.` or `..`, without a slash and a zero. */
export type Name = Uint8Array;

/** A time since 1970 (or before). */
export interface Timestamp {
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** The host's facts about a file. */
export interface Attributes {
  /** Of the host's file system and the file in it: two files with the same key are one. */
  readonly key: string;
  /** The file's number in its file system, in two halves of 32 bits, unsigned. */
  readonly number: readonly [low: number, high: number];
  /** Kind and permissions, as Linux has them. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Linux' number of a device file, 32 bits. */
  readonly device: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes of the unit in which the host's file system likes to be read. */
  readonly blockBytes: number;
  /** Units of 512 bytes that it takes. */
  readonly blocks: number;
  readonly accessed: Timestamp;
  readonly modified: Timestamp;
  readonly changed: Timestamp;
}

/** The room of a file system. */
export interface FileSystemRoom {
  /** Bytes of a block. */
  readonly blockBytes: number;
  readonly blocks: number;
  readonly free: number;
  /** Blocks that are free for ordinary users. */
  readonly available: number;
  readonly files: number;
  readonly freeFiles: number;
}

/** How a file is to be opened. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
  /** All that is written comes to the file's end, wherever that is when the host writes, whatever the position. */
  readonly append?: boolean;
}

/** The names in a directory, as the host gives them, without `.` and `..`. */
export interface NameStream {
  next(): Name | undefined;
  close(): void;
}

/** A file: the one of that name in a directory, or without a name the one that the descriptor holds. */
export interface Place {
  readonly at: Descriptor;
  readonly name?: Name | undefined;
}

/** The same, which has a name. */
export interface NamedPlace extends Place {
  readonly name: Name;
}

/**
 * A folder of the host, as far as it is shared: the calls of POSIX that take a directory and a name in it. No method
 * ever follows a symbolic link, and no name leads out of its directory. All work is done when a method returns.
 *
 * Methods throw a {@link FolderError} when the host does not carry something out.
 */
export interface HostFolder {
  /** The folder itself. */
  readonly root: Descriptor;
  /** As whom this process makes files. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Descriptors that may be open at a time, the root's not counted. */
  readonly mostDescriptors: number;

  /** Undefined if there is no file of that name. */
  stat(place: Place): Attributes | undefined;
  /** Holds a file of any kind without opening it: later it is found by the descriptor alone. */
  hold(place: NamedPlace): Descriptor;
  /** Opens a regular file. Another kind of file is an error, without an effect on it. */
  open(place: Place, access: Access): Descriptor;
  /** Makes a regular file. It is an error if there is a file of that name. @param mode permissions */
  create(place: NamedPlace, access: Access, mode: number): Descriptor;
  close(descriptor: Descriptor): void;

  /** @returns how many bytes there were, fewer than there is room for only at the file's end */
  read(descriptor: Descriptor, position: number, into: readonly Uint8Array[]): number;
  /** @returns how many bytes were written: fewer than given, and no error, if there was no room for all */
  write(descriptor: Descriptor, position: number, from: readonly Uint8Array[]): number;
  truncate(descriptor: Descriptor, size: number): void;
  /** Returns when the written data are as safe as the host can make it. @param data size and content are enough */
  sync(descriptor: Descriptor, data: boolean): void;

  list(directory: Descriptor): NameStream;
  syncDirectory(directory: Descriptor): void;
  makeDirectory(place: NamedPlace, mode: number): void;
  makeLink(place: NamedPlace, target: Uint8Array): void;
  readLink(place: NamedPlace): Uint8Array;
  /** Gives a file one more name. */
  link(from: NamedPlace, to: NamedPlace): void;
  /** A file that has the new name already is replaced. */
  rename(from: NamedPlace, to: NamedPlace): void;
  remove(place: NamedPlace): void;
  removeDirectory(place: NamedPlace): void;

  /** Sets the permissions of a file that is no symbolic link. */
  setMode(place: Place, mode: number): void;
  /** A number of -1 leaves that one as it is. */
  setOwner(place: Place, uid: number, gid: number): void;
  setTimes(place: Place, accessed: Timestamp, modified: Timestamp): void;
  room(): FileSystemRoom;
}

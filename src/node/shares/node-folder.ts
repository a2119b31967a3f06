import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  readvSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { refuse } from '../../shared-folders/errno.ts';
import type {
  Access,
  Attributes,
  Descriptor,
  FileSystemRoom,
  HostFolder,
  NamedPlace,
  NameStream,
  Place,
  Timestamp,
} from '../../shared-folders/host-folder.ts';
import { bytesOf, sliceParts } from '../../storage/storage.ts';
import { hostCall } from './host-errors.ts';

/** Linux' flag for a descriptor that only holds a file, which Node has no name for; the same for all its processors. */
const O_PATH = 0o10_000_000;
const {
  O_RDONLY,
  O_WRONLY,
  O_RDWR,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_NOCTTY,
  O_DIRECTORY,
  O_APPEND,
} = constants;
/** Parts that a system takes at a time at most: Linux' IOV_MAX. */
const MOST_PARTS = 1024;
/** Names that are read from a directory together. */
const NAMES_AT_ONCE = 64;
const KIND = BigInt(constants.S_IFMT);
const LOW_WORD = 0xffff_ffffn;
const SECOND = 1_000_000_000n;

/** Which folder is shared, and with which part of this process's limits. */
export interface NodeFolderOptions {
  /** The folder, as {@link openRoot} opened it. */
  readonly root: Descriptor;
  readonly mostDescriptors: number;
}

/**
 * A folder of a Linux host.
 *
 * Node has none of the calls that take a directory and a name in it. But in Linux `/proc/self/fd/N` leads to what
 * descriptor N holds, wherever that has been moved to, and only the last part of such a path is the guest's word: a
 * single name, at which no call here follows a symbolic link. So with any renaming in between, no path leads out of the
 * folder.
 */
export class NodeFolder implements HostFolder {
  readonly root: Descriptor;
  readonly mostDescriptors: number;
  readonly owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  readonly #open = new Set<Descriptor>();
  readonly #streams = new Set<NameStream>();
  /** The paths of descriptors, which are longer to make than to find. */
  readonly #paths = new Map<Descriptor, Buffer>();

  constructor({ root, mostDescriptors }: NodeFolderOptions) {
    this.root = root;
    this.mostDescriptors = mostDescriptors;
  }

  /** Descriptors that are open, the root's not counted. */
  get openDescriptors(): number {
    return this.#open.size + this.#streams.size;
  }

  /** Closes all that is open, but for the root. */
  closeAll(): void {
    for (const stream of [...this.#streams]) stream.close();
    for (const descriptor of [...this.#open]) this.close(descriptor);
  }

  stat({ at, name }: Place): Attributes | undefined {
    const stats = hostCall(() =>
      name === undefined
        ? fstatSync(at, { bigint: true })
        : lstatSync(this.#path(at, name), { bigint: true, throwIfNoEntry: false }),
    );
    return stats === undefined ? undefined : attributesOf(stats);
  }

  hold({ at, name }: NamedPlace): Descriptor {
    return this.#add(hostCall(() => openSync(this.#path(at, name), O_PATH | O_NOFOLLOW)));
  }

  open({ at, name }: Place, access: Access): Descriptor {
    // A descriptor's own path is a link that has to be followed. No pipe makes this thread wait for its other end.
    const flags = flagsOf(access) | O_NONBLOCK | O_NOCTTY | (name === undefined ? 0 : O_NOFOLLOW);
    const descriptor = this.#add(hostCall(() => openSync(this.#path(at, name), flags)));
    if (fstatSync(descriptor).isFile()) return descriptor;
    this.close(descriptor);
    refuse('EPERM');
  }

  create({ at, name }: NamedPlace, access: Access, mode: number): Descriptor {
    const flags = flagsOf(access) | O_CREAT | O_EXCL | O_NOFOLLOW;
    return this.#add(hostCall(() => openSync(this.#path(at, name), flags, mode)));
  }

  close(descriptor: Descriptor): void {
    if (!this.#open.delete(descriptor))
      throw new Error(`descriptor ${descriptor} of a shared folder is not open`);
    this.#paths.delete(descriptor);
    closeSync(descriptor);
  }

  read(descriptor: Descriptor, position: number, into: readonly Uint8Array[]): number {
    return transfer(into, (parts, done) =>
      parts.length === 1
        ? readSync(descriptor, parts[0], 0, parts[0].length, position + done)
        : readvSync(descriptor, parts, position + done),
    );
  }

  write(descriptor: Descriptor, position: number, from: readonly Uint8Array[]): number {
    return transfer(from, (parts, done) =>
      parts.length === 1
        ? writeSync(descriptor, parts[0], 0, parts[0].length, position + done)
        : writevSync(descriptor, parts, position + done),
    );
  }

  truncate(descriptor: Descriptor, size: number): void {
    hostCall(() => ftruncateSync(descriptor, size));
  }

  sync(descriptor: Descriptor, data: boolean): void {
    hostCall(() => (data ? fdatasyncSync(descriptor) : fsyncSync(descriptor)));
  }

  list(directory: Descriptor): NameStream {
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: NAMES_AT_ONCE };
    const stream = hostCall(() => opendirSync(this.#path(directory, undefined), options));
    const names: NameStream = {
      next: () => hostCall(() => stream.readSync()?.name as Uint8Array | undefined),
      close: () => {
        if (this.#streams.delete(names)) hostCall(() => stream.closeSync());
      },
    };
    this.#streams.add(names);
    return names;
  }

  syncDirectory(directory: Descriptor): void {
    const descriptor = hostCall(() => openSync(this.#path(directory, undefined), O_RDONLY | O_DIRECTORY));
    try {
      hostCall(() => fsyncSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  }

  makeDirectory({ at, name }: NamedPlace, mode: number): void {
    hostCall(() => mkdirSync(this.#path(at, name), mode));
  }

  makeLink({ at, name }: NamedPlace, target: Uint8Array): void {
    hostCall(() => symlinkSync(Buffer.from(target), this.#path(at, name)));
  }

  readLink({ at, name }: NamedPlace): Uint8Array {
    return hostCall(() => readlinkSync(this.#path(at, name), { encoding: 'buffer' }));
  }

  link(from: NamedPlace, to: NamedPlace): void {
    hostCall(() => linkSync(this.#path(from.at, from.name), this.#path(to.at, to.name)));
  }

  rename(from: NamedPlace, to: NamedPlace): void {
    hostCall(() => renameSync(this.#path(from.at, from.name), this.#path(to.at, to.name)));
  }

  remove({ at, name }: NamedPlace): void {
    hostCall(() => unlinkSync(this.#path(at, name)));
  }

  removeDirectory({ at, name }: NamedPlace): void {
    hostCall(() => rmdirSync(this.#path(at, name)));
  }

  setMode(place: Place, mode: number): void {
    // There is no call that does not follow a link at a name: the file is held first.
    this.#withoutName(place, (at) => hostCall(() => chmodSync(this.#path(at, undefined), mode)));
  }

  setOwner({ at, name }: Place, uid: number, gid: number): void {
    const path = this.#path(at, name);
    hostCall(() => (name === undefined ? chownSync(path, uid, gid) : lchownSync(path, uid, gid)));
  }

  setTimes({ at, name }: Place, accessed: Timestamp, modified: Timestamp): void {
    const path = this.#path(at, name);
    const [first, second] = [timeOf(accessed), timeOf(modified)];
    hostCall(() => (name === undefined ? utimesSync(path, first, second) : lutimesSync(path, first, second)));
  }

  room(): FileSystemRoom {
    const { bsize, blocks, bfree, bavail, files, ffree } = hostCall(() =>
      statfsSync(this.#path(this.root, undefined)),
    );
    return { blockBytes: bsize, blocks, free: bfree, available: bavail, files, freeFiles: ffree };
  }

  #add(descriptor: Descriptor): Descriptor {
    this.#open.add(descriptor);
    return descriptor;
  }

  #path(at: Descriptor, name: Uint8Array | undefined): Buffer {
    let start = this.#paths.get(at);
    if (start === undefined) {
      start = Buffer.from(`/proc/self/fd/${at}/`);
      this.#paths.set(at, start);
    }
    if (name === undefined) return start.subarray(0, -1);
    const path = Buffer.allocUnsafe(start.length + name.length);
    path.set(start);
    path.set(name, start.length);
    return path;
  }

  #withoutName({ at, name }: Place, work: (at: Descriptor) => void): void {
    if (name === undefined) {
      work(at);
      return;
    }
    const descriptor = this.hold({ at, name });
    try {
      work(descriptor);
    } finally {
      this.close(descriptor);
    }
  }
}

/** Opens the folder that is to be shared; the caller closes it. @throws Error of the system */
export function openRoot(path: string): Descriptor {
  return openSync(path, O_PATH | O_DIRECTORY);
}

function flagsOf({ read, write, append = false }: Access): number {
  if (!write) return O_RDONLY;
  return (read ? O_RDWR : O_WRONLY) | (append ? O_APPEND : 0);
}

/**
 * Transfers all parts, or as many bytes as can be.
 *
 * @param once does some of the rest, behind so many bytes, and says how many bytes that were
 * @throws FolderError if not a single byte can be
 */
function transfer(
  parts: readonly Uint8Array[],
  once: (parts: readonly Uint8Array[], done: number) => number,
): number {
  const bytes = bytesOf(parts);
  let done = 0;
  while (done < bytes) {
    const rest = done === 0 ? parts : sliceParts(parts, done, bytes - done);
    try {
      const count = hostCall(() => once(rest.length > MOST_PARTS ? rest.slice(0, MOST_PARTS) : rest, done));
      if (count === 0) break;
      done += count;
    } catch (error) {
      if (done > 0) break;
      throw error;
    }
  }
  return done;
}

function attributesOf(stats: BigIntStats): Attributes {
  const { dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks } = stats;
  return {
    // A number may be given again when a file is gone: then at least its kind says that it is another one.
    key: `${dev}:${ino}:${mode & KIND}`,
    number: [Number(ino & LOW_WORD), Number((ino >> 32n) & LOW_WORD)],
    mode: Number(mode),
    links: Number(nlink),
    uid: Number(uid),
    gid: Number(gid),
    device: guestDevice(rdev),
    size: Number(size),
    blockBytes: Number(blksize),
    blocks: Number(blocks),
    accessed: timestamp(stats.atimeNs),
    modified: timestamp(stats.mtimeNs),
    changed: timestamp(stats.ctimeNs),
  };
}

/** A device's number as FUSE has it (`new_encode_dev` in include/linux/kdev_t.h), of the C library's. */
function guestDevice(device: bigint): number {
  const major = Number((device >> 8n) & 0xfffn);
  const minor = Number((device & 0xffn) | ((device >> 12n) & 0xfff00n));
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

function timestamp(nanoseconds: bigint): Timestamp {
  const seconds = nanoseconds / SECOND;
  const rest = nanoseconds - seconds * SECOND;
  // Division of a time before 1970 goes up.
  return rest < 0n
    ? { seconds: Number(seconds) - 1, nanoseconds: Number(rest + SECOND) }
    : { seconds: Number(seconds), nanoseconds: Number(rest) };
}

/** A time as Node takes it: not exact to a nanosecond; a number below zero would mean the present to it. */
function timeOf({ seconds, nanoseconds }: Timestamp): number | Date {
  const time = seconds + nanoseconds / 1e9;
  return time >= 0 ? time : new Date(time * 1000);
}

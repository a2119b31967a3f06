/** A client of the FUSE protocol, as far as tests need one: what Linux sends, and what nobody should send. */
import {
  ATTR,
  ATTR_OUT,
  COPY_IN,
  CREATE_IN,
  DIRENT,
  ENTRY_OUT,
  FUSE,
  GETATTR_IN,
  IN_HEADER,
  INIT_IN,
  LINK_IN,
  MKDIR_IN,
  MKNOD_IN,
  OPCODE,
  OPEN_IN,
  OUT_HEADER,
  READ_IN,
  RELEASE_IN,
  RENAME_IN,
  RENAME2_IN,
  SETATTR_IN,
  WRITE_IN,
} from '../../src/shared-folders/fuse/facts.ts';
import type { FuseServer } from '../../src/shared-folders/server.ts';

/** An answer: its error's number, 0 for none, and what is behind the header. */
export interface Answer {
  readonly errno: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A file as the server tells of it. */
export interface Told {
  readonly node: number;
  readonly mode: number;
  readonly size: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  /** Whole seconds for which a name may be believed. */
  readonly believed: number;
}

/** Arguments of a request: fields of 32 or 64 bits at their places, and text behind them. */
interface Arguments {
  readonly bytes?: number;
  readonly words?: readonly (readonly [at: number, value: number])[];
  readonly wides?: readonly (readonly [at: number, value: number])[];
  /** Each followed by a zero. */
  readonly names?: readonly (string | Uint8Array)[];
  readonly data?: Uint8Array;
  readonly uid?: number;
  readonly gid?: number;
}

const encode = (name: string | Uint8Array) => (typeof name === 'string' ? Buffer.from(name) : name);

export class FuseClient {
  readonly server: FuseServer;
  #unique = 1;

  constructor(server: FuseServer) {
    this.server = server;
  }

  /** Sends a request. @param room bytes for the answer's body */
  send(opcode: number, node: number, given: Arguments = {}, room = 4096): Answer {
    const bytes = request(opcode, node, this.#unique, given);
    const answer = new Uint8Array(OUT_HEADER.BYTES + room);
    // In parts that do not end where fields do.
    const written = this.server.serve(
      [bytes.subarray(0, 41), bytes.subarray(41)],
      [answer.subarray(0, 7), answer.subarray(7)],
    );
    if (written === undefined) throw new Error('that was no request');
    const view = new DataView(answer.buffer);
    if (written > 0 && (view.getUint32(0, true) !== written || view.getUint32(8, true) !== this.#unique))
      throw new Error('an answer to something else');
    this.#unique++;
    const errno = written === 0 ? 0 : Math.abs(view.getInt32(OUT_HEADER.ERROR, true));
    return { errno, body: answer.slice(OUT_HEADER.BYTES, Math.max(OUT_HEADER.BYTES, written)) };
  }

  init(flags = -1): Answer {
    const words = [
      [INIT_IN.MAJOR, FUSE.major],
      [INIT_IN.MINOR, 41],
      [INIT_IN.FLAGS, flags],
    ] as const;
    return this.send(OPCODE.INIT, 0, { bytes: 64, words });
  }

  lookUp(directory: number, name: string | Uint8Array): Told | number {
    return told(this.send(OPCODE.LOOKUP, directory, { names: [name] }));
  }

  /** The number of a file that is there, by its path from the folder. */
  node(path: string): number {
    let node: number = FUSE.root;
    for (const name of path.split('/').filter((each) => each !== '')) {
      const found = this.lookUp(node, name);
      if (typeof found === 'number') throw new Error(`${path}: error ${found}`);
      node = found.node;
    }
    return node;
  }

  forget(node: number, lookups = 1): void {
    this.send(OPCODE.FORGET, node, { bytes: 8, wides: [[0, lookups]] });
  }

  attributes(node: number): Told | number {
    const { errno, body } = this.send(OPCODE.GETATTR, node, { bytes: GETATTR_IN.BYTES });
    return errno === 0 ? attributesAt(body, ATTR_OUT.ATTR, node, 0) : errno;
  }

  /** @param fields those of SETATTR_IN, of 32 bits, but for the size and times */
  setAttributes(
    node: number,
    valid: number,
    words: Arguments['words'] = [],
    wides: Arguments['wides'] = [],
  ): Answer {
    return this.send(OPCODE.SETATTR, node, {
      ...{ bytes: SETATTR_IN.BYTES, wides },
      words: [[SETATTR_IN.VALID, valid], ...words],
    });
  }

  makeDirectory(directory: number, name: string, mode = 0o755): Told | number {
    return told(
      this.send(OPCODE.MKDIR, directory, {
        ...{ bytes: MKDIR_IN.BYTES, words: [[MKDIR_IN.MODE, mode]], names: [name] },
      }),
    );
  }

  makeNode(directory: number, name: string, mode: number): Told | number {
    const words = [[MKNOD_IN.MODE, mode]] as const;
    return told(this.send(OPCODE.MKNOD, directory, { bytes: MKNOD_IN.BYTES, words, names: [name] }));
  }

  makeLink(directory: number, name: string, target: string): Told | number {
    return told(this.send(OPCODE.SYMLINK, directory, { names: [name, target] }));
  }

  link(node: number, directory: number, name: string): Told | number {
    const wides = [[LINK_IN.NODE, node]] as const;
    return told(this.send(OPCODE.LINK, directory, { bytes: LINK_IN.BYTES, wides, names: [name] }));
  }

  readLink(node: number): string | number {
    const { errno, body } = this.send(OPCODE.READLINK, node);
    return errno === 0 ? Buffer.from(body).toString() : errno;
  }

  remove(directory: number, name: string): number {
    return this.send(OPCODE.UNLINK, directory, { names: [name] }).errno;
  }

  removeDirectory(directory: number, name: string): number {
    return this.send(OPCODE.RMDIR, directory, { names: [name] }).errno;
  }

  rename(directory: number, name: string, to: number, newName: string, flags = 0): number {
    const names = [name, newName];
    if (flags === 0) {
      const wides = [[RENAME_IN.DIRECTORY, to]] as const;
      return this.send(OPCODE.RENAME, directory, { bytes: RENAME_IN.BYTES, wides, names }).errno;
    }
    return this.send(OPCODE.RENAME2, directory, {
      ...{ bytes: RENAME2_IN.BYTES, wides: [[RENAME2_IN.DIRECTORY, to]], names },
      words: [[RENAME2_IN.FLAGS, flags]],
    }).errno;
  }

  /** @returns the number of the open file; a negative one is an error's */
  open(node: number, flags = 0): { readonly file: number; readonly flags: number } {
    const answer = this.send(OPCODE.OPEN, node, { bytes: OPEN_IN.BYTES, words: [[OPEN_IN.FLAGS, flags]] });
    return opened(answer, 0);
  }

  create(
    directory: number,
    name: string,
    { flags = 2, mode = 0o644, uid = 0, gid = 0 }: Readonly<Record<string, number>> = {},
  ): { readonly file: number; readonly node: number } {
    const words = [
      [CREATE_IN.FLAGS, flags],
      [CREATE_IN.MODE, 0o100000 | mode],
    ] as const;
    const answer = this.send(OPCODE.CREATE, directory, {
      ...{ bytes: CREATE_IN.BYTES, words, names: [name], uid, gid },
    });
    const entry = told(answer);
    const node = typeof entry === 'number' ? 0 : entry.node;
    return { file: opened(answer, ENTRY_OUT.BYTES).file, node };
  }

  read(file: number, offset: number, size: number, node: number = FUSE.root): Answer {
    return this.send(OPCODE.READ, node, readWords(file, offset, size), size);
  }

  /** @returns bytes that were written; a negative number is an error's */
  write(file: number, offset: number, data: Uint8Array, flags = 0): number {
    const { errno, body } = this.send(OPCODE.WRITE, FUSE.root, {
      bytes: WRITE_IN.BYTES,
      wides: [
        [WRITE_IN.FILE, file],
        [WRITE_IN.OFFSET, offset],
      ],
      words: [
        [WRITE_IN.SIZE, data.length],
        [WRITE_IN.FLAGS, flags],
      ],
      data,
    });
    return errno === 0 ? new DataView(body.buffer).getUint32(0, true) : -errno;
  }

  copy(file: number, offset: number, to: number, toOffset: number, length: number): number {
    const { errno, body } = this.send(OPCODE.COPY_FILE_RANGE, FUSE.root, {
      bytes: COPY_IN.BYTES,
      wides: [
        [COPY_IN.FILE, file],
        [COPY_IN.OFFSET, offset],
        [COPY_IN.TO_FILE, to],
        [COPY_IN.TO_OFFSET, toOffset],
        [COPY_IN.LENGTH, length],
      ],
    });
    return errno === 0 ? new DataView(body.buffer).getUint32(0, true) : -errno;
  }

  close(file: number, opcode: number = OPCODE.RELEASE): number {
    return this.send(opcode, FUSE.root, { bytes: RELEASE_IN.BYTES, wides: [[RELEASE_IN.FILE, file]] }).errno;
  }

  openDirectory(node: number): number {
    return opened(this.send(OPCODE.OPENDIR, node, { bytes: OPEN_IN.BYTES }), 0).file;
  }

  /** The entries from a position on, as far as there is room for them. */
  readDirectory(file: number, position: number, plus = false, size = 4096): Entry[] {
    const opcode = plus ? OPCODE.READDIRPLUS : OPCODE.READDIR;
    const { errno, body } = this.send(opcode, FUSE.root, readWords(file, position, size), size);
    if (errno !== 0) throw new Error(`error ${errno}`);
    return entries(body, plus);
  }

  /** All names in a directory, sorted. */
  names(node: number, plus = false): string[] {
    const file = this.openDirectory(node);
    const names: string[] = [];
    for (let position = 0; ; ) {
      const some = this.readDirectory(file, position, plus);
      if (some.length === 0) break;
      names.push(...some.map(({ name }) => name));
      position = some[some.length - 1].next;
      for (const { node } of some) if (node !== 0) this.forget(node);
    }
    this.close(file, OPCODE.RELEASEDIR);
    return names.sort();
  }
}

/** A name in a directory. */
export interface Entry {
  readonly name: string;
  readonly next: number;
  readonly type: number;
  /** 0 if the server has not told of the file. */
  readonly node: number;
}

function readWords(file: number, offset: number, size: number): Arguments {
  return {
    bytes: READ_IN.BYTES,
    wides: [
      [READ_IN.FILE, file],
      [READ_IN.OFFSET, offset],
    ],
    words: [[READ_IN.SIZE, size]],
  };
}

/** The bytes of a request. */
export function request(
  opcode: number,
  node: number,
  unique: number,
  { bytes = 0, words = [], wides = [], names = [], data = new Uint8Array(), uid = 0, gid = 0 }: Arguments,
): Uint8Array<ArrayBuffer> {
  const text = Buffer.concat(names.flatMap((name) => [encode(name), Uint8Array.of(0)]));
  const all = new Uint8Array(IN_HEADER.BYTES + bytes + text.length + data.length);
  const view = new DataView(all.buffer);
  const put64 = (at: number, value: number) => {
    view.setUint32(at, value % 2 ** 32, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  view.setUint32(IN_HEADER.LEN, all.length, true);
  view.setUint32(IN_HEADER.OPCODE, opcode, true);
  put64(IN_HEADER.UNIQUE, unique);
  put64(IN_HEADER.NODE, node);
  view.setUint32(IN_HEADER.UID, uid, true);
  view.setUint32(IN_HEADER.GID, gid, true);
  for (const [at, value] of words) view.setUint32(IN_HEADER.BYTES + at, value, true);
  for (const [at, value] of wides) put64(IN_HEADER.BYTES + at, value);
  all.set(text, IN_HEADER.BYTES + bytes);
  all.set(data, IN_HEADER.BYTES + bytes + text.length);
  return all;
}

function told({ errno, body }: Answer): Told | number {
  if (errno !== 0) return errno;
  const view = new DataView(body.buffer);
  const node = view.getUint32(ENTRY_OUT.NODE, true);
  const believed = view.getUint32(ENTRY_OUT.ENTRY_VALID, true);
  // "There is nothing", to be believed for a while.
  return node === 0 ? 2 : attributesAt(body, ENTRY_OUT.ATTR, node, believed);
}

function attributesAt(body: Uint8Array<ArrayBuffer>, at: number, node: number, believed: number): Told {
  const view = new DataView(body.buffer, at);
  return {
    ...{ node, believed },
    mode: view.getUint32(ATTR.MODE, true),
    size: view.getUint32(ATTR.SIZE, true) + 2 ** 32 * view.getUint32(ATTR.SIZE + 4, true),
    links: view.getUint32(ATTR.NLINK, true),
    uid: view.getUint32(ATTR.UID, true),
    gid: view.getUint32(ATTR.GID, true),
    seconds: view.getUint32(ATTR.MTIME, true) + 2 ** 32 * view.getInt32(ATTR.MTIME + 4, true),
  };
}

function opened({ errno, body }: Answer, at: number): { readonly file: number; readonly flags: number } {
  if (errno !== 0) return { file: -errno, flags: 0 };
  const view = new DataView(body.buffer, at);
  return { file: view.getUint32(0, true), flags: view.getUint32(8, true) };
}

function entries(body: Uint8Array<ArrayBuffer>, plus: boolean): Entry[] {
  const view = new DataView(body.buffer);
  const found: Entry[] = [];
  for (let at = 0; at < body.length; ) {
    const node = plus ? view.getUint32(at + ENTRY_OUT.NODE, true) : 0;
    if (plus) at += ENTRY_OUT.BYTES;
    const length = view.getUint32(at + DIRENT.NAME_BYTES, true);
    const name = Buffer.from(body.subarray(at + DIRENT.NAME, at + DIRENT.NAME + length)).toString('latin1');
    found.push({
      ...{ name, node },
      next: view.getUint32(at + DIRENT.NEXT, true),
      type: view.getUint32(at + DIRENT.TYPE, true),
    });
    at += Math.ceil((DIRENT.NAME + length) / DIRENT.ALIGNMENT) * DIRENT.ALIGNMENT;
  }
  return found;
}

import {
  between,
  checkArgument,
  checkOptions,
  type OptionRules,
  SWITCH,
  whole,
  word,
} from '../../errors/arguments.ts';
import { InputError } from '../../errors/input-error.ts';
import { ABORTABLE, type Abortable, PATH, SOURCE } from '../arguments.ts';
import type { AgentConnection } from '../connection.ts';
import type { Source } from '../outgoing.ts';
import { PayloadWriter } from '../payload.ts';
import { FRAME, PATH_FLAG, WRITE_FLAG } from '../protocol.ts';
import { type Reading, readAll, readStream, writeAll } from './contents.ts';
import type { FileEvent } from './file-event.ts';
import { type FileInfo, type FolderEntry, readEntries, readFileInfo } from './file-info.ts';
import { type LocalFolders, treeOf, upload } from './tree.ts';
import { WATCH_OPTIONS, type WatchOptions, watch } from './watch.ts';

/** Which part of a file is read. */
export interface ReadOptions extends Abortable {
  /** Bytes from its start: 0 unless it is given. */
  readonly offset?: number;
  /** Bytes at most: all up to its end unless it is given. */
  readonly length?: number;
}

/** How much of a file is kept. */
export interface ReadAllOptions extends ReadOptions {
  /** A file with more bytes is an error: 256 MiB unless it is given. */
  readonly maxBytes?: number;
}

/** How a file is written. */
export interface WriteOptions extends Abortable {
  /** Of a file that was not there: `0o644` unless it is given, less the bits of the agent's umask. */
  readonly mode?: number;
  /** `replace` unless it is given: others see the old file or the new one, and nothing between. */
  readonly how?: 'replace' | 'append' | 'create' | 'in-place';
}

/** Which file is looked at. */
export interface StatOptions extends Abortable {
  /** With `false`, facts are those of a symbolic link itself, not of its target. */
  readonly follow?: boolean;
}

/** How much is removed. */
export interface RemoveOptions extends Abortable {
  /** With all that is in it. */
  readonly recursive?: boolean;
  /** It need not be there. */
  readonly force?: boolean;
}

/** How a folder is made. */
export interface MkdirOptions extends Abortable {
  /** With those above it, and it may be there already. */
  readonly recursive?: boolean;
  /** `0o777` unless it is given, less the bits of the agent's umask. */
  readonly mode?: number;
}

const KEPT = 256 << 20;
/** Bytes of the facts of all entries of a folder. */
const KEPT_ENTRIES = 64 << 20;
const ALL = Number.MAX_SAFE_INTEGER;
const HOW = {
  replace: WRITE_FLAG.ATOMIC,
  append: WRITE_FLAG.APPEND,
  create: WRITE_FLAG.EXCLUSIVE,
  'in-place': 0,
} as const;

/** Permissions, with setuid, setgid and sticky. */
const MODE = whole(0, 0o7777);
const READ_OPTIONS: OptionRules<ReadOptions> = { ...ABORTABLE, offset: whole(0, ALL), length: whole(0, ALL) };
const READ_ALL_OPTIONS: OptionRules<ReadAllOptions> = {
  ...READ_OPTIONS,
  maxBytes: between(0, Number.POSITIVE_INFINITY),
};
const WRITE_OPTIONS: OptionRules<WriteOptions> = { ...ABORTABLE, mode: MODE, how: word(...Object.keys(HOW)) };
const STAT_OPTIONS: OptionRules<StatOptions> = { ...ABORTABLE, follow: SWITCH };
const REMOVE_OPTIONS: OptionRules<RemoveOptions> = { ...ABORTABLE, recursive: SWITCH, force: SWITCH };
const MKDIR_OPTIONS: OptionRules<MkdirOptions> = { ...ABORTABLE, recursive: SWITCH, mode: MODE };

/**
 * Files of the guest, by paths from its root. All calls throw an AgentError whose code is that of Linux (`ENOENT`,
 * `EACCES`, …), or `disconnected`; an InputError for arguments that cannot be; or the reason of `signal`.
 */
export class Files {
  readonly #connection: AgentConnection;
  readonly #local: LocalFolders | undefined;

  /** @param local folders of the host, for trees */
  constructor(connection: AgentConnection, local?: LocalFolders) {
    this.#connection = connection;
    this.#local = local;
  }

  /** All of a file, or a part of it. */
  async read(path: string, options: ReadAllOptions = {}): Promise<Uint8Array> {
    checkOptions(options, READ_ALL_OPTIONS);
    const { maxBytes = KEPT } = options;
    return this.#held(() => readAll(this.#connection, reading(path, options), maxBytes));
  }

  /** The same, read as UTF-8. */
  async readText(path: string, options: ReadAllOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  /** The same as it comes: the guest waits while nobody reads. */
  async stream(path: string, options: ReadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    checkOptions(options, READ_OPTIONS);
    return this.#held(() => readStream(this.#connection, reading(path, options)));
  }

  /** Writes a file: its new contents, or as `how` says. The folder is there. */
  async write(path: string, data: Source, options: WriteOptions = {}): Promise<void> {
    checkArgument('path', path, PATH);
    checkArgument('data', data, SOURCE);
    checkOptions(options, WRITE_OPTIONS);
    const { mode = 0o644, how = 'replace', signal } = options;
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const request = new PayloadWriter().u32(HOW[how]).u32(mode).text(path);
    if (ArrayBuffer.isView(bytes)) request.i64(bytes.length);
    const writing = { payload: request.payload, data: bytes, signal, what: `${path} cannot be written` };
    await this.#held(() => writeAll(this.#connection, writing));
  }

  /** The entries of a folder, by their names. */
  async list(path: string, options: Abortable = {}): Promise<FolderEntry[]> {
    checkArgument('path', path, PATH);
    checkOptions(options, ABORTABLE);
    const folder: Reading = {
      type: FRAME.LIST,
      payload: (window) => new PayloadWriter().u32(window).text(path).payload,
      what: `${path} cannot be listed`,
      signal: options.signal,
    };
    return readEntries(await this.#held(() => readAll(this.#connection, folder, KEPT_ENTRIES)));
  }

  /** Facts about a file; about the link itself where it is a symbolic one and `follow` is false. */
  async stat(path: string, options: StatOptions = {}): Promise<FileInfo> {
    checkArgument('path', path, PATH);
    checkOptions(options, STAT_OPTIONS);
    const { follow = true, signal } = options;
    const payload = new PayloadWriter().u32(follow ? PATH_FLAG.FOLLOW : 0).text(path).payload;
    const what = `${path} cannot be looked at`;
    const { name: _, ...info } = readFileInfo(
      await this.#connection.request(FRAME.STAT, payload, what, signal),
    );
    return info;
  }

  /** Whether there is something of that path. */
  async exists(path: string, options: Abortable = {}): Promise<boolean> {
    checkOptions(options, ABORTABLE);
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return false;
      throw error;
    }
  }

  /** Removes a file, or an empty folder. */
  async remove(path: string, options: RemoveOptions = {}): Promise<void> {
    checkArgument('path', path, PATH);
    checkOptions(options, REMOVE_OPTIONS);
    const { recursive = false, force = false, signal } = options;
    const flags = (recursive ? PATH_FLAG.RECURSIVE : 0) | (force ? PATH_FLAG.FORCE : 0);
    await this.#request(
      FRAME.REMOVE,
      new PayloadWriter().u32(flags).text(path),
      `${path} cannot be removed`,
      signal,
    );
  }

  /** Makes a folder. */
  async mkdir(path: string, options: MkdirOptions = {}): Promise<void> {
    checkArgument('path', path, PATH);
    checkOptions(options, MKDIR_OPTIONS);
    const { recursive = false, mode = 0o777, signal } = options;
    const request = new PayloadWriter()
      .u32(recursive ? PATH_FLAG.RECURSIVE : 0)
      .u32(mode)
      .text(path);
    await this.#request(FRAME.MKDIR, request, `The folder ${path} cannot be made`, signal);
  }

  /** Gives a file another path in its file system, and takes the place of a file there. */
  async rename(from: string, to: string, options: Abortable = {}): Promise<void> {
    checkArgument('from', from, PATH);
    checkArgument('to', to, PATH);
    checkOptions(options, ABORTABLE);
    const what = `${from} cannot be renamed to ${to}`;
    await this.#request(FRAME.RENAME, new PayloadWriter().text(from).text(to), what, options.signal);
  }

  /** Makes a symbolic link. */
  async symlink(target: string, path: string, options: Abortable = {}): Promise<void> {
    checkArgument('target', target, PATH);
    checkArgument('path', path, PATH);
    checkOptions(options, ABORTABLE);
    const what = `The link ${path} cannot be made`;
    const request = new PayloadWriter().text(target).text(path);
    await this.#request(FRAME.SYMLINK, request, what, options.signal);
  }

  /** Sets the mode of a file. @param mode its permissions, with setuid, setgid and sticky: 0 to 0o7777 */
  async chmod(path: string, mode: number, options: Abortable = {}): Promise<void> {
    checkArgument('path', path, PATH);
    checkArgument('mode', mode, MODE);
    checkOptions(options, ABORTABLE);
    const what = `The mode of ${path} cannot be changed`;
    await this.#request(FRAME.CHMOD, new PayloadWriter().u32(mode).text(path), what, options.signal);
  }

  /**
   * Copies all that is in a folder of the host into one of the guest, which is made if it is not there. Files, folders
   * and symbolic links are copied, with their modes; everything else is left out.
   *
   * @throws InputError where the host's folder cannot be read
   */
  async upload(folder: string, to: string, options: Abortable = {}): Promise<void> {
    checkArgument('folder', folder, PATH);
    checkArgument('to', to, PATH);
    checkOptions(options, ABORTABLE);
    await this.#held(() => upload(this, this.#folders().entries(folder), to, options.signal));
  }

  /**
   * Copies all that is in a folder of the guest into one of the host, which is made if it is not there. No answer of
   * the guest leads to a write outside of that.
   *
   * @throws InputError where the host's folder cannot be written
   */
  async download(from: string, folder: string, options: Abortable = {}): Promise<void> {
    checkArgument('from', from, PATH);
    checkArgument('folder', folder, PATH);
    checkOptions(options, ABORTABLE);
    await this.#held(async () => {
      for await (const entry of treeOf(this, from, options.signal)) await this.#folders().put(folder, entry);
    });
  }

  #folders(): LocalFolders {
    if (this.#local !== undefined) return this.#local;
    throw new InputError('There are no folders of the host here to copy from or to.');
  }

  /**
   * Events of a file, or of a folder, from the moment on when the promise is fulfilled. A folder below it is only
   * looked into with `recursive`.
   */
  async watch(path: string, options: WatchOptions = {}): Promise<ReadableStream<FileEvent>> {
    checkArgument('path', path, PATH);
    checkOptions(options, WATCH_OPTIONS);
    const list = (folder: string) => this.list(folder);
    return this.#held(() => watch(this.#connection, path, list, options));
  }

  async #request(
    type: (typeof FRAME)[keyof typeof FRAME],
    request: PayloadWriter,
    what: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#connection.request(type, request.payload, what, signal);
  }

  async #held<T>(work: () => Promise<T>): Promise<T> {
    const release = this.#connection.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }
}

function reading(path: string, { offset = 0, length = ALL, signal }: ReadOptions): Reading {
  checkArgument('path', path, PATH);
  return {
    type: FRAME.READ,
    payload: (window) => new PayloadWriter().i64(offset).i64(length).u32(window).text(path).payload,
    what: `${path} cannot be read`,
    signal,
  };
}

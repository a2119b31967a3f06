import { broken } from '../frame.ts';
import { PayloadReader } from '../payload.ts';

/** Kinds of files. */
export type FileKind = 'file' | 'folder' | 'link' | 'other';

/** Facts about a file in the guest. */
export interface FileInfo {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Permissions: `0o755`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** When its contents were changed last. */
  readonly modified: Date;
  /** Of a symbolic link: where it leads to. */
  readonly target: string | undefined;
}

/** A file in a folder. */
export interface FolderEntry extends FileInfo {
  readonly name: string;
}

/** Kinds by the type in `st_mode` (inode(7)). */
const KINDS: ReadonlyMap<number, FileKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
]);
const TYPE = 0o170000;
const MODE = 0o7777;

/** Reads the agent's facts of a file, with its name, which is empty where it was asked for by its path. */
export function readFileInfo(reader: PayloadReader): FolderEntry {
  const [mode, uid, gid, nanoseconds] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  const [size, seconds] = [reader.i64(), reader.i64()];
  const [name, target] = [reader.text(), reader.text()];
  const kind = KINDS.get(mode & TYPE) ?? 'other';
  return {
    ...{ name, kind, size, uid, gid },
    mode: mode & MODE,
    modified: new Date(1000 * seconds + Math.floor(nanoseconds / 1e6)),
    target: kind === 'link' ? target : undefined,
  };
}

/**
 * Reads the entries of a folder.
 *
 * @throws AgentError if a name is none: the host's own files are made by them
 */
export function readEntries(bytes: Uint8Array): FolderEntry[] {
  const reader = new PayloadReader(bytes);
  const entries: FolderEntry[] = [];
  while (reader.left > 0) {
    const entry = readFileInfo(reader);
    if (entry.name === '' || entry.name === '.' || entry.name === '..' || entry.name.includes('/'))
      throw broken(`"${entry.name}" as the name of a file`);
    entries.push(entry);
  }
  return entries.sort((one, other) => (one.name < other.name ? -1 : 1));
}

import { AgentError } from '../agent-error.ts';
import type { Source } from '../outgoing.ts';
import type { FolderEntry } from './file-info.ts';

/** A file, folder or symbolic link of a tree. */
export interface TreeEntry {
  /** From the top of the tree on, with `/` between names; a folder comes before its content. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Permissions. */
  readonly mode: number;
  /** Of a link: where it leads to. */
  readonly target?: string | undefined;
  /** The contents of a file. */
  open(): Promise<Source>;
}

/** Folders of the host. */
export interface LocalFolders {
  /** The content of a folder; all but files, folders and links is left out. @throws InputError if it cannot be read */
  entries(folder: string): AsyncIterable<TreeEntry>;
  /**
   * Puts an entry into a folder. Entries are a guest's: nothing outside of the folder may be written.
   *
   * @throws InputError if it cannot be written
   */
  put(folder: string, entry: TreeEntry): Promise<void>;
}

interface Options {
  readonly signal?: AbortSignal;
}

/** The part of the guest's files that is needed. */
export interface GuestTree {
  list(path: string, options: Options): Promise<readonly FolderEntry[]>;
  stream(path: string, options: Options): Promise<ReadableStream<Uint8Array>>;
  write(path: string, data: Source, options: Options): Promise<void>;
  mkdir(path: string, options: Options & { readonly recursive: true }): Promise<void>;
  remove(path: string, options: Options & { readonly force: true }): Promise<void>;
  symlink(target: string, path: string, options: Options): Promise<void>;
  chmod(path: string, mode: number, options: Options): Promise<void>;
}

/** Folders below each other at most: a guest may have no end of them. */
const DEEPEST = 64;

/** Copies all that is in a folder of the host into one of the guest. */
export async function upload(
  files: GuestTree,
  entries: AsyncIterable<TreeEntry>,
  to: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  await files.mkdir(to, { ...options, recursive: true });
  for await (const entry of entries) {
    const path = `${to}/${entry.path}`;
    if (entry.kind === 'folder') await files.mkdir(path, { ...options, recursive: true });
    else if (entry.kind === 'file') await files.write(path, await entry.open(), options);
    else {
      await files.remove(path, { ...options, force: true });
      await files.symlink(entry.target ?? '', path, options);
    }
    if (entry.kind !== 'link') await files.chmod(path, entry.mode, options);
  }
}

/** All that is in a folder of the guest, the links last: nothing is written by way of them then. */
export async function* treeOf(
  files: GuestTree,
  from: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<TreeEntry> {
  const options = signal === undefined ? {} : { signal };
  const links: TreeEntry[] = [];
  const folders = [{ path: '', depth: 0 }];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    if (folder.depth > DEEPEST)
      throw new AgentError(
        'ELOOP',
        `${from}/${folder.path}: there are more than ${DEEPEST} folders below each other.`,
      );
    for (const { name, kind, mode, target } of await files.list(`${from}/${folder.path}`, options)) {
      const path = folder.path === '' ? name : `${folder.path}/${name}`;
      const open = () => files.stream(`${from}/${path}`, options);
      if (kind === 'other') continue;
      const entry = { path, kind, mode, target, open };
      if (kind === 'link') links.push(entry);
      else yield entry;
      if (kind === 'folder') folders.push({ path, depth: folder.depth + 1 });
    }
  }
  yield* links;
}

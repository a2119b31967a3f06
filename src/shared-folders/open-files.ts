import { refuse } from './errno.ts';
import type { Descriptor, Name, NameStream } from './host-folder.ts';
import type { FolderNode, NodeFile } from './nodes.ts';

/** A regular file that the guest has opened. */
export interface OpenFile extends NodeFile {
  readonly kind: 'file';
  readonly node: FolderNode;
  /** The same file for writes at its end, opened when the first one comes. */
  appending: Descriptor | undefined;
}

/** A directory that the guest reads. */
export interface OpenDirectory {
  readonly kind: 'directory';
  readonly node: FolderNode;
  /** Opened when the guest first reads, and anew when it goes back. */
  stream: NameStream | undefined;
  /** The position of the first of `names`: the one from which the guest has read last. */
  start: number;
  /** Names that were read and may be asked for again, as the guest has not taken all that it was told. */
  names: Name[];
}

/** Names that come before those of the host: of the directory itself and of the one that it is in. */
export const OWN_NAMES: readonly Name[] = [Uint8Array.of(0x2e), Uint8Array.of(0x2e, 0x2e)];

/** A directory of which nothing has been read. */
export function unreadDirectory(node: FolderNode): OpenDirectory {
  return { kind: 'directory', node, stream: undefined, start: 0, names: [...OWN_NAMES] };
}

type Opened = OpenFile | OpenDirectory;

/** All that the guest has opened, by numbers that are not used again. */
export class OpenFiles {
  readonly #opened = new Map<number, Opened>();
  /** Those that could not be opened again. */
  readonly #lost = new Set<number>();
  /** The number of the next one. */
  next = 1;

  get size(): number {
    return this.#opened.size;
  }

  add(opened: Opened): number {
    this.#opened.set(this.next, opened);
    return this.next++;
  }

  /** All of them, by their numbers. */
  all(): Iterable<readonly [number, Opened]> {
    return this.#opened;
  }

  /** Adds one that the guest had open when it was saved. */
  put(id: number, opened: Opened): void {
    this.#opened.set(id, opened);
  }

  /** The guest had something open that is not there any more. */
  lose(id: number): void {
    this.#lost.add(id);
  }

  /** @throws FolderError if that is no open file */
  file(id: number): OpenFile {
    const opened = this.#opened.get(id);
    return opened?.kind === 'file' ? opened : this.#refuse(id);
  }

  directory(id: number): OpenDirectory {
    const opened = this.#opened.get(id);
    return opened?.kind === 'directory' ? opened : this.#refuse(id);
  }

  #refuse(id: number): never {
    refuse(this.#lost.has(id) ? 'ESTALE' : 'EBADF');
  }

  /** Takes one out. */
  remove(id: number, kind: Opened['kind']): Opened | undefined {
    this.#lost.delete(id);
    const opened = this.#opened.get(id);
    if (opened?.kind !== kind) return undefined;
    this.#opened.delete(id);
    return opened;
  }

  /** Takes all out. */
  removeAll(): readonly Opened[] {
    const all = [...this.#opened.values()];
    this.#opened.clear();
    return all;
  }
}

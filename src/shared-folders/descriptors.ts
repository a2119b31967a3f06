import { ERRNO, FolderError, refuse } from './errno.ts';
import type { Descriptor, HostFolder, NamedPlace } from './host-folder.ts';
import type { FolderNode } from './nodes.ts';

/** Directories that are held at a time, beyond the folder itself, at most: those in which the guest was last. */
const MOST_DIRECTORIES = 256;

/** A request is about two directories at most. */
const LEAST_DIRECTORIES = 2;

/**
 * The descriptors of a shared folder. An open file of the guest takes one, up to a limit, after which the guest is told
 * that there are too many (ENFILE). Directories in which the guest works are held as well, as long as there is room.
 */
export class Descriptors {
  readonly #host: HostFolder;
  readonly #mostDirectories: number;
  readonly #mostTaken: number;
  /** Directories that are held, the one that was used last at the end. */
  readonly #directories = new Map<FolderNode, Descriptor>();
  #taken = 0;

  constructor(host: HostFolder) {
    this.#host = host;
    this.#mostDirectories = Math.max(
      LEAST_DIRECTORIES,
      Math.min(MOST_DIRECTORIES, Math.floor(host.mostDescriptors / 2)),
    );
    this.#mostTaken = host.mostDescriptors - this.#mostDirectories;
  }

  /** Opens something that stays open until {@link release}. */
  take<T>(open: () => T): T {
    if (this.#taken >= this.#mostTaken) refuse('ENFILE');
    const opened = open();
    this.#taken++;
    return opened;
  }

  /** Has a taken descriptor closed. */
  release(close: () => void): void {
    this.#taken--;
    close();
  }

  /**
   * The descriptor of a directory, which is found anew from the nearest one above it that is held. It is held until two
   * others have been asked for, at least.
   *
   * @throws FolderError when it is not where it was
   */
  of(node: FolderNode): Descriptor {
    const held = this.#held(node);
    if (held !== undefined) return held;
    const path = new Set<FolderNode>();
    let from: Descriptor | undefined;
    for (let each: FolderNode | undefined = node; from === undefined; each = each.parent) {
      // A directory that the guest has removed is nowhere, and the host may move directories below one another.
      if (each === undefined || path.has(each)) refuse('ESTALE');
      from = this.#held(each);
      if (from === undefined) path.add(each);
    }
    // Those on the way are not kept: a deep tree would take the places of all others.
    let passed: Descriptor | undefined;
    try {
      for (const each of [...path].reverse()) {
        const found = this.#open(each, { at: from, name: each.name });
        if (passed !== undefined) this.#host.close(passed);
        from = passed = found;
      }
      passed = undefined;
    } finally {
      if (passed !== undefined) this.#host.close(passed);
    }
    this.#keep(node, from);
    return from;
  }

  /** Holds a file that is about to lose its name. Without room for that it is lost. */
  pin(node: FolderNode, descriptor: Descriptor): void {
    if (this.#taken >= this.#mostTaken) {
      this.#host.close(descriptor);
      return;
    }
    this.drop(node);
    this.#taken++;
    node.descriptor = descriptor;
  }

  /** The node's own descriptor is not needed any more. */
  drop(node: FolderNode): void {
    const { descriptor } = node;
    if (descriptor === undefined) return;
    node.descriptor = undefined;
    if (!this.#directories.delete(node)) this.#taken--;
    this.#host.close(descriptor);
  }

  /** No directory is used any more, also of those that the guest had forgotten and used all the same. */
  dropDirectories(): void {
    for (const node of [...this.#directories.keys()]) this.drop(node);
  }

  #held(node: FolderNode): Descriptor | undefined {
    if (node.parent === undefined && node.descriptor === undefined) return undefined;
    if (this.#directories.delete(node) && node.descriptor !== undefined)
      this.#directories.set(node, node.descriptor);
    return node.descriptor;
  }

  #open(node: FolderNode, place: NamedPlace): Descriptor {
    const descriptor = staleIfGone(() => this.#host.hold(place));
    if (this.#host.stat({ at: descriptor })?.key !== node.key) {
      this.#host.close(descriptor);
      refuse('ESTALE');
    }
    return descriptor;
  }

  #keep(node: FolderNode, descriptor: Descriptor): void {
    for (const oldest of this.#directories.keys()) {
      if (this.#directories.size < this.#mostDirectories) break;
      this.drop(oldest);
    }
    node.descriptor = descriptor;
    this.#directories.set(node, descriptor);
  }
}

/** Turns "not there" into ESTALE: the file is somewhere else, or another one, and the guest then looks for it again. */
export function staleIfGone<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FolderError && GONE.includes(error.errno)) refuse('ESTALE');
    throw error;
  }
}

const GONE: readonly number[] = [ERRNO.ENOENT, ERRNO.ENOTDIR, ERRNO.ELOOP];

import { refuse } from './errno.ts';
import { FUSE, MODE } from './fuse/facts.ts';
import type { Access, Attributes, Descriptor, Name, Place } from './host-folder.ts';

/** Files that a guest may know at a time: about 250 MB of ours. Linux forgets those that it has no room for. */
const MOST_NODES = 1 << 20;

/** One time that the guest has a regular file open. */
export interface NodeFile {
  readonly descriptor: Descriptor;
  readonly access: Access;
}

/**
 * A file that the guest knows by a number. The host's file behind it is always the same one: it is found by the name
 * that it was last seen at, or by a descriptor, and another file at that name by then is not it.
 */
export class FolderNode {
  readonly id: number;
  readonly key: string;
  /** The file's number on the host, for the guest. */
  readonly number: Attributes['number'];
  /** The kind of file, as Linux has it. */
  readonly mode: number;
  readonly isDirectory: boolean;
  readonly isRegular: boolean;
  /** The directory in which it was last seen; undefined for the folder itself, and where the guest has removed it. */
  parent: FolderNode | undefined;
  name: Name;
  /** How often the guest has been told of it, and has not forgotten that. */
  lookups = 0;
  /** By which it is found without its name: {@link Descriptors} gives and takes it. */
  descriptor: Descriptor | undefined;
  /** Of a regular file: each time that the guest has it open. */
  readonly files: NodeFile[] = [];
  /** The state of the host's file when the guest began to keep its contents. */
  stamp = '';

  constructor(
    id: number,
    attributes: Pick<Attributes, 'key' | 'number' | 'mode'>,
    parent: FolderNode | undefined,
    name: Name,
  ) {
    this.id = id;
    this.key = attributes.key;
    this.number = attributes.number;
    const kind = attributes.mode & MODE.KIND;
    this.mode = kind;
    this.isDirectory = kind === MODE.DIRECTORY;
    this.isRegular = kind === MODE.REGULAR;
    this.parent = parent;
    this.name = name;
  }

  /** It has no name by which it could be found: the guest has removed the one that it was last seen at. */
  get isLost(): boolean {
    return this.parent === undefined && this.id !== FUSE.root;
  }

  /** Where it is found without its name, if it is. */
  get heldAt(): Place | undefined {
    const descriptor = this.files.at(-1)?.descriptor ?? this.descriptor;
    return descriptor === undefined ? undefined : { at: descriptor };
  }
}

/** All files that the guest knows, by their numbers and by their numbers on the host. */
export class NodeTable {
  readonly root: FolderNode;
  readonly #onForgotten: (node: FolderNode) => void;
  readonly #byId = new Map<number, FolderNode>();
  readonly #byKey = new Map<string, FolderNode>();
  /** Files by the number of the directory that is to come. */
  readonly #orphans = new Map<number, FolderNode[]>();
  /** The number of the next file that the guest has not known. */
  next: number = FUSE.root + 1;

  /** @param onForgotten called with a file that the guest knows no more */
  constructor(root: Attributes, onForgotten: (node: FolderNode) => void) {
    this.root = new FolderNode(FUSE.root, root, undefined, new Uint8Array());
    this.#onForgotten = onForgotten;
    this.#byId.set(FUSE.root, this.root);
    this.#byKey.set(this.root.key, this.root);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws FolderError if the guest has no such number */
  get(id: number): FolderNode {
    return this.#byId.get(id) ?? refuse('ESTALE');
  }

  find(key: string): FolderNode | undefined {
    return this.#byKey.get(key);
  }

  /** The file that was just seen at a name, which the guest is going to be told of once more. */
  seen(attributes: Attributes, parent: FolderNode, name: Name): FolderNode {
    const known = this.#byKey.get(attributes.key);
    if (known !== undefined) {
      known.lookups++;
      if (known !== this.root) this.move(known, parent, name);
      return known;
    }
    if (this.#byId.size >= MOST_NODES) refuse('ENFILE');
    // A copy: the name is a part of a request.
    const node = new FolderNode(this.next++, attributes, parent, name.slice());
    node.lookups = 1;
    this.#byId.set(node.id, node);
    this.#byKey.set(node.key, node);
    return node;
  }

  /** All of them. */
  all(): Iterable<FolderNode> {
    return this.#byId.values();
  }

  /** Adds one that the guest knew when it was saved. @param parent the number of its directory, 0 if it has none */
  put(node: FolderNode, parent: number): void {
    this.#byId.set(node.id, node);
    this.#byKey.set(node.key, node);
    node.parent = this.#byId.get(parent);
    if (node.parent === undefined && parent !== 0) {
      this.#orphans.set(parent, [...(this.#orphans.get(parent) ?? []), node]);
    }
    for (const child of this.#orphans.get(node.id) ?? []) child.parent = node;
    this.#orphans.delete(node.id);
  }

  /** A file is at another name. */
  move(node: FolderNode, parent: FolderNode, name: Name): void {
    if (node.parent === parent && sameName(node.name, name)) return;
    node.parent = parent;
    node.name = name.slice();
  }

  /** The guest has forgotten everything. */
  forgetAll(): void {
    for (const { id } of [...this.#byId.values()]) this.forget(id, Number.POSITIVE_INFINITY);
  }

  /** The guest has forgotten some of the times that it was told of a file. */
  forget(id: number, lookups: number): void {
    const node = this.#byId.get(id);
    if (node === undefined || node === this.root) return;
    node.lookups -= lookups;
    if (node.lookups > 0) return;
    this.#byId.delete(id);
    this.#byKey.delete(node.key);
    this.#onForgotten(node);
  }
}

export function sameName(one: Name, other: Name): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

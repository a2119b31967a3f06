import { Descriptors, staleIfGone } from './descriptors.ts';
import { FolderError, refuse } from './errno.ts';
import type { Access, Attributes, Descriptor, HostFolder, Name, NamedPlace, Place } from './host-folder.ts';
import { type FolderNode, NodeTable, sameName } from './nodes.ts';
import { type OpenFile, OpenFiles } from './open-files.ts';
import { Owners } from './owners.ts';

/** A name in a directory that the guest knows. */
export interface InDirectory extends NamedPlace {
  readonly directory: FolderNode;
}

/** A folder of the host as the guest has come to know it: its numbers for files, and its open files. */
export class SharedFolder {
  readonly host: HostFolder;
  readonly readOnly: boolean;
  readonly descriptors: Descriptors;
  readonly nodes: NodeTable;
  readonly opened = new OpenFiles();
  readonly users: Owners;
  readonly groups: Owners;

  constructor(host: HostFolder, readOnly: boolean) {
    this.host = host;
    this.readOnly = readOnly;
    this.users = new Owners(host.owner.uid);
    // Whether owners may be changed is decided by the user alone.
    this.groups = new Owners(this.users.areReal ? 0 : host.owner.gid);
    this.descriptors = new Descriptors(host);
    const root = host.stat({ at: host.root }) ?? refuse('ESTALE');
    this.nodes = new NodeTable(root, (node) => this.descriptors.drop(node));
    this.nodes.root.descriptor = host.root;
  }

  /** Closes everything: the guest begins anew, or is gone. */
  close(): void {
    for (const opened of this.opened.removeAll()) {
      if (opened.kind === 'file') this.#closeDescriptors(opened);
      else if (opened.stream !== undefined) this.closeStream(opened.stream);
    }
    this.nodes.forgetAll();
    this.descriptors.dropDirectories();
  }

  closeStream(stream: { close(): void }): void {
    this.descriptors.release(() => stream.close());
  }

  /** Refuses a change of a folder that is only to be read. */
  checkWritable(): void {
    if (this.readOnly) refuse('EROFS');
  }

  /** The place of a name in a directory that the guest knows. */
  inDirectory(id: number, name: Name): InDirectory {
    const directory = this.nodes.get(id);
    if (!directory.isDirectory) refuse('ENOTDIR');
    return { directory, at: this.descriptors.of(directory), name };
  }

  /** The node at a name; undefined if there is none. The guest is told of it, and forgets it at some time. */
  lookUp(id: number, name: Name): { readonly node: FolderNode; readonly attributes: Attributes } | undefined {
    const { directory, ...place } = this.inDirectory(id, name);
    const attributes = this.host.stat(place);
    return attributes === undefined
      ? undefined
      : { node: this.seen(attributes, directory, name), attributes };
  }

  /** The guest is told of a file. */
  seen(attributes: Attributes, directory: FolderNode, name: Name): FolderNode {
    const known = this.nodes.find(attributes.key);
    // It was held because it had no name, and has one again.
    if (known?.isLost === true) this.descriptors.drop(known);
    return this.nodes.seen(attributes, directory, name);
  }

  /** Where a file is now, and its attributes. @throws FolderError if it is not where it was */
  find(node: FolderNode): { readonly place: Place; readonly attributes: Attributes } {
    const place = node.heldAt ?? this.namedPlaceOf(node);
    const attributes = this.host.stat(place);
    if (attributes?.key !== node.key) refuse('ESTALE');
    return { place, attributes };
  }

  /** The name at which a file was last seen. */
  namedPlaceOf(node: FolderNode): NamedPlace {
    const { parent, name } = node;
    if (parent === undefined) refuse('ESTALE');
    return { at: this.descriptors.of(parent), name };
  }

  /** Opens a file that the guest knows. */
  open(
    node: FolderNode,
    access: Access,
  ): { readonly descriptor: Descriptor; readonly attributes: Attributes } {
    if (!node.isRegular) refuse(node.isDirectory ? 'EISDIR' : 'EPERM');
    const place = node.heldAt ?? this.namedPlaceOf(node);
    const descriptor = this.descriptors.take(() => staleIfGone(() => this.host.open(place, access)));
    const attributes = this.host.stat({ at: descriptor });
    if (attributes?.key === node.key) return { descriptor, attributes };
    this.descriptors.release(() => this.host.close(descriptor));
    refuse('ESTALE');
  }

  /** Adds an open file. @returns its number */
  addFile(node: FolderNode, descriptor: Descriptor, access: Access): number {
    const file: OpenFile = { kind: 'file', node, descriptor, access, appending: undefined };
    node.files.push(file);
    return this.opened.add(file);
  }

  /**
   * By which is written at the end of an open file. Undefined where the host does not open it once more: there is no
   * descriptor left, or its permissions have been changed.
   */
  appending(file: OpenFile): Descriptor | undefined {
    try {
      file.appending ??= this.descriptors.take(() =>
        this.host.open({ at: file.descriptor }, { read: false, write: true, append: true }),
      );
    } catch (error) {
      if (!(error instanceof FolderError)) throw error;
    }
    return file.appending;
  }

  closeFile(file: OpenFile): void {
    const { files } = file.node;
    files.splice(files.indexOf(file), 1);
    this.#closeDescriptors(file);
  }

  #closeDescriptors({ descriptor, appending }: OpenFile): void {
    this.descriptors.release(() => this.host.close(descriptor));
    if (appending !== undefined) this.descriptors.release(() => this.host.close(appending));
  }

  /**
   * Removes a name. The file that the guest knows by it is held, so that it can be used by programs that have it open.
   */
  removeName({ directory, ...place }: InDirectory, remove: () => void): void {
    const descriptor = this.host.hold(place);
    let unused = true;
    try {
      const attributes = this.host.stat({ at: descriptor });
      remove();
      const node = attributes === undefined ? undefined : this.nodes.find(attributes.key);
      if (node?.parent !== directory || !sameName(node.name, place.name)) return;
      node.parent = undefined;
      unused = false;
      this.descriptors.pin(node, descriptor);
    } finally {
      if (unused) this.host.close(descriptor);
    }
  }
}

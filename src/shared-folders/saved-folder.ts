import { FolderError } from './errno.ts';
import type { SharedFolder } from './folder.ts';
import type { Access, Attributes } from './host-folder.ts';
import { FolderNode } from './nodes.ts';
import { unreadDirectory } from './open-files.ts';

/** Files of one piece, so that none becomes large. */
const PIECE = 4096;

/** A file that the guest knows; numbers and names as in {@link FolderNode}. A parent of 0 is none. */
interface SavedNode {
  readonly id: number;
  readonly key: string;
  readonly number: Attributes['number'];
  readonly mode: number;
  readonly parent: number;
  /** A character for each byte. */
  readonly name: string;
  readonly lookups: number;
  readonly stamp: string;
}

/** A file that the guest has open, by its number. Without a way to open it, it is a directory. */
interface SavedOpen {
  readonly id: number;
  readonly node: number;
  readonly access?: Access;
}

/** A part of a guest's knowledge of a folder. */
interface Piece {
  readonly nextNode: number;
  readonly nextOpened: number;
  readonly nodes: readonly SavedNode[];
  readonly opened: readonly SavedOpen[];
}

/** The guest's knowledge of a folder and its open files there, for {@link restoreFolder}. */
export function* saveFolder({ nodes, opened }: SharedFolder): Generator<Uint8Array> {
  const counts = { nextNode: nodes.next, nextOpened: opened.next };
  const all = [...nodes.all()].filter((node) => node !== nodes.root).map(savedNode);
  const open = [...opened.all()].map(([id, each]): SavedOpen => {
    const node = each.node.id;
    return each.kind === 'file' ? { id, node, access: each.access } : { id, node };
  });
  // One at least: it says that the guest has begun.
  for (let at = 0; at === 0 || at < all.length; at += PIECE) {
    yield encode({ ...counts, nodes: all.slice(at, at + PIECE), opened: [] });
  }
  // Behind all files.
  for (let at = 0; at < open.length; at += PIECE) {
    yield encode({ ...counts, nodes: [], opened: open.slice(at, at + PIECE) });
  }
}

function savedNode({ id, key, number, mode, parent, name, lookups, stamp }: FolderNode): SavedNode {
  const text = Array.from(name, (byte) => String.fromCharCode(byte)).join('');
  return { id, key, number, mode, parent: parent?.id ?? 0, name: text, lookups, stamp };
}

/**
 * Gives a folder a piece of the result of {@link saveFolder}, all of which come in their order. Open files are opened
 * again, if the host still has the file where it was; else the guest is told so when it uses it (ESTALE).
 */
export function restoreFolder(folder: SharedFolder, bytes: Uint8Array): void {
  const piece = JSON.parse(new TextDecoder().decode(bytes)) as Piece;
  const { nodes, opened } = folder;
  nodes.next = piece.nextNode;
  opened.next = piece.nextOpened;
  for (const saved of piece.nodes) {
    const name = Uint8Array.from(saved.name, (character) => character.charCodeAt(0));
    const node = new FolderNode(saved.id, saved, undefined, name);
    node.lookups = saved.lookups;
    node.stamp = saved.stamp;
    nodes.put(node, saved.parent);
  }
  for (const each of piece.opened) reopen(folder, each);
}

function reopen(folder: SharedFolder, { id, node: number, access }: SavedOpen): void {
  try {
    const node = folder.nodes.get(number);
    if (access === undefined) {
      folder.opened.put(id, unreadDirectory(node));
      return;
    }
    const { descriptor } = folder.open(node, access);
    const file = { kind: 'file', node, descriptor, access, appending: undefined } as const;
    node.files.push(file);
    folder.opened.put(id, file);
  } catch (error) {
    if (!(error instanceof FolderError)) throw error;
    folder.opened.lose(id);
  }
}

function encode(piece: Piece): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(piece));
}

import { addEntry, addOpened } from '../attributes.ts';
import { refuse } from '../errno.ts';
import type { SharedFolder } from '../folder.ts';
import {
  DIRENT,
  ENTRY_OUT,
  FILE_IN,
  MODE,
  OPCODE,
  OPEN_IN,
  OPEN_OUT,
  READ_IN,
  RELEASE_IN,
} from '../fuse/facts.ts';
import type { FuseReply } from '../fuse/reply.ts';
import type { FuseRequest } from '../fuse/request.ts';
import type { Attributes, Name } from '../host-folder.ts';
import type { FolderNode } from '../nodes.ts';
import type { OpenDirectory } from '../open-files.ts';
import type { Operations } from './operation.ts';

/** Requests about the names that there are in a directory. */
export const DIRECTORY_OPERATIONS: Operations = [
  [OPCODE.OPENDIR, open, OPEN_OUT.BYTES],
  [OPCODE.READDIR, (folder, request, reply) => read(folder, request, reply, false)],
  [OPCODE.READDIRPLUS, (folder, request, reply) => read(folder, request, reply, true)],
  [OPCODE.RELEASEDIR, close],
  [OPCODE.FSYNCDIR, sync],
];

/** Names that come before those of the host: of the directory itself and of the one that it is in. */
const SELF = Uint8Array.of(0x2e);
const ABOVE = Uint8Array.of(0x2e, 0x2e);
const OWN_ENTRIES = 2;
/** Directories that are open at a time; those that are read take a descriptor besides. */
const MOST_OPEN = 1 << 16;

function open(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(OPEN_IN.BYTES);
  const node = folder.nodes.get(request.node);
  if (!node.isDirectory) refuse('ENOTDIR');
  if (folder.opened.size >= MOST_OPEN) refuse('ENFILE');
  const directory: OpenDirectory = {
    kind: 'directory',
    node,
    stream: undefined,
    position: 0,
    next: undefined,
  };
  addOpened(reply, folder.opened.add(directory), 0);
}

function close(folder: SharedFolder, request: FuseRequest): void {
  request.atLeast(RELEASE_IN.BYTES);
  const directory = folder.opened.remove(request.wide(RELEASE_IN.FILE), 'directory');
  if (directory === undefined) refuse('EBADF');
  if (directory.kind === 'directory') rewind(folder, directory);
}

function sync(folder: SharedFolder, request: FuseRequest): void {
  request.atLeast(FILE_IN.BYTES);
  const { node } = folder.opened.directory(request.wide(FILE_IN.FILE));
  folder.host.syncDirectory(folder.descriptors.of(node));
}

/** @param plus whether the guest wants to be told of the files as well */
function read(folder: SharedFolder, request: FuseRequest, reply: FuseReply, plus: boolean): void {
  request.atLeast(READ_IN.BYTES);
  const directory = folder.opened.directory(request.wide(READ_IN.FILE));
  const most = Math.min(request.word(READ_IN.SIZE), reply.room);
  seek(folder, directory, request.wide(READ_IN.OFFSET));
  for (;;) {
    const { position } = directory;
    if (position < OWN_ENTRIES) {
      const name = position === 0 ? SELF : ABOVE;
      if (!addOwn(reply, directory, name, plus, most)) break;
    } else {
      const name = nextName(folder, directory);
      if (name === undefined) return;
      const attributes = folder.host.stat({ at: folder.descriptors.of(directory.node), name });
      // Gone since the host told its name: there is nothing at this position.
      if (attributes !== undefined && !addFile(folder, reply, directory, { name, attributes, plus }, most))
        break;
      directory.next = undefined;
    }
    directory.position++;
  }
  if (reply.length === 0) refuse('EINVAL');
}

/** Goes to a position: the next one nearly always. */
function seek(folder: SharedFolder, directory: OpenDirectory, position: number): void {
  if (position < directory.position) rewind(folder, directory);
  for (; directory.position < position; directory.position++) {
    if (directory.position < OWN_ENTRIES) continue;
    if (nextName(folder, directory) === undefined) return;
    directory.next = undefined;
  }
}

function rewind(folder: SharedFolder, directory: OpenDirectory): void {
  const { stream } = directory;
  directory.stream = directory.next = undefined;
  directory.position = 0;
  if (stream !== undefined) folder.closeStream(stream);
}

/** The name at the position, which stays the next one until it is taken. */
function nextName({ host, descriptors }: SharedFolder, directory: OpenDirectory): Name | undefined {
  directory.stream ??= descriptors.take(() => host.list(descriptors.of(directory.node)));
  directory.next ??= directory.stream.next();
  return directory.next;
}

/** Adds an entry of a name that Linux knows without asking. @returns whether there was room */
function addOwn(
  reply: FuseReply,
  { node, position }: OpenDirectory,
  name: Name,
  plus: boolean,
  most: number,
): boolean {
  const of = name === SELF ? node : (node.parent ?? node);
  const bytes = entryBytes(name, plus);
  if (reply.length + bytes > most) return false;
  if (plus) reply.add(ENTRY_OUT.BYTES);
  addName(reply, { position, name, number: of.number, mode: MODE.DIRECTORY });
  return true;
}

function addFile(
  folder: SharedFolder,
  reply: FuseReply,
  { node: directory, position }: OpenDirectory,
  {
    name,
    attributes,
    plus,
  }: { readonly name: Name; readonly attributes: Attributes; readonly plus: boolean },
  most: number,
): boolean {
  if (reply.length + entryBytes(name, plus) > most) return false;
  if (plus) addEntry(folder, reply, folder.seen(attributes, directory, name), attributes);
  addName(reply, { position, name, number: attributes.number, mode: attributes.mode });
  return true;
}

interface Entry {
  readonly position: number;
  readonly name: Name;
  readonly number: FolderNode['number'];
  readonly mode: number;
}

function addName(reply: FuseReply, { position, name, number, mode }: Entry): void {
  const at = reply.add(entryBytes(name, false));
  reply.word(at + DIRENT.INO, number[0]);
  reply.word(at + DIRENT.INO + 4, number[1]);
  reply.wide(at + DIRENT.NEXT, position + 1);
  reply.word(at + DIRENT.NAME_BYTES, name.length);
  reply.word(at + DIRENT.TYPE, (mode & MODE.KIND) >>> 12);
  reply.put(at + DIRENT.NAME, name);
}

function entryBytes({ length }: Name, plus: boolean): number {
  const entry = Math.ceil((DIRENT.NAME + length) / DIRENT.ALIGNMENT) * DIRENT.ALIGNMENT;
  return plus ? ENTRY_OUT.BYTES + entry : entry;
}

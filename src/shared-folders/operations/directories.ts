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
import { type OpenDirectory, OWN_NAMES, unreadDirectory } from '../open-files.ts';
import type { Operations } from './operation.ts';

/** Requests about the names that there are in a directory. */
export const DIRECTORY_OPERATIONS: Operations = [
  [OPCODE.OPENDIR, open, OPEN_OUT.BYTES],
  [OPCODE.READDIR, (folder, request, reply) => read(folder, request, reply, false)],
  [OPCODE.READDIRPLUS, (folder, request, reply) => read(folder, request, reply, true)],
  [OPCODE.RELEASEDIR, close],
  [OPCODE.FSYNCDIR, sync],
];

/** Names that one answer has at most, so that they can be kept until it is known which of them were taken. */
const MOST_NAMES = 256;
/** Directories that are open at a time; those that are read take a descriptor besides. */
const MOST_OPEN = 1 << 16;

function open(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(OPEN_IN.BYTES);
  const node = folder.nodes.get(request.node);
  if (!node.isDirectory) refuse('ENOTDIR');
  if (folder.opened.size >= MOST_OPEN) refuse('ENFILE');
  addOpened(reply, folder.opened.add(unreadDirectory(node)), 0);
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
  const begin = request.wide(READ_IN.OFFSET);
  goTo(folder, directory, begin);
  for (let position = begin; position < begin + MOST_NAMES; ) {
    const name = nameAt(folder, directory, position);
    if (name === undefined) return;
    if (position < OWN_NAMES.length) {
      if (!addOwn(reply, directory, { position, name, plus }, most)) break;
    } else {
      const attributes = folder.host.stat({ at: folder.descriptors.of(directory.node), name });
      if (attributes === undefined) {
        // Gone since the host told its name: the next one has its position.
        directory.names.splice(position - directory.start, 1);
        continue;
      }
      if (!addFile(folder, reply, directory, { position, name, attributes, plus }, most)) break;
    }
    position++;
  }
  if (reply.length === 0) refuse('EINVAL');
}

/**
 * Goes to a position. Linux asks from the first name on that its program had no room for: one behind the end of the
 * answer before, or inside it. Any other one is counted from the beginning of the directory, as it is now.
 */
function goTo(folder: SharedFolder, directory: OpenDirectory, position: number): void {
  if (position === 0 || position < directory.start) rewind(folder, directory);
  const kept = directory.names.splice(0, position - directory.start);
  directory.start += kept.length;
  for (; directory.start < position; directory.start++) {
    if (nextName(folder, directory) === undefined) return;
  }
}

/** As it was when it was opened: the names are read anew. */
function rewind(folder: SharedFolder, directory: OpenDirectory): void {
  const { stream } = directory;
  Object.assign(directory, unreadDirectory(directory.node));
  if (stream !== undefined) folder.closeStream(stream);
}

/** A name, which is kept; undefined behind the last one. */
function nameAt(folder: SharedFolder, directory: OpenDirectory, position: number): Name | undefined {
  const { names, start } = directory;
  if (position - start === names.length) {
    const name = nextName(folder, directory);
    if (name !== undefined) names.push(name);
  }
  return names[position - start];
}

/** The next name of the host. */
function nextName({ host, descriptors }: SharedFolder, directory: OpenDirectory): Name | undefined {
  directory.stream ??= descriptors.take(() => host.list(descriptors.of(directory.node)));
  return directory.stream.next();
}

/** A name that is going to be told. */
interface Named {
  readonly position: number;
  readonly name: Name;
  readonly plus: boolean;
}

/** Adds an entry of a name that Linux knows without asking. @returns whether there was room */
function addOwn(
  reply: FuseReply,
  { node }: OpenDirectory,
  { position, name, plus }: Named,
  most: number,
): boolean {
  const of = position === 0 ? node : (node.parent ?? node);
  const bytes = entryBytes(name, plus);
  if (reply.length + bytes > most) return false;
  if (plus) reply.add(ENTRY_OUT.BYTES);
  addName(reply, { position, name, number: of.number, mode: MODE.DIRECTORY });
  return true;
}

function addFile(
  folder: SharedFolder,
  reply: FuseReply,
  { node: directory }: OpenDirectory,
  { position, name, attributes, plus }: Named & { readonly attributes: Attributes },
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

import { addEntry, addNothing } from '../attributes.ts';
import { ERRNO, FolderError, refuse } from '../errno.ts';
import type { InDirectory, SharedFolder } from '../folder.ts';
import {
  BATCH_FORGET_IN,
  ENTRY_OUT,
  FORGET_IN,
  LINK_IN,
  LONGEST_TARGET,
  MKDIR_IN,
  MKNOD_IN,
  MODE,
  OPCODE,
  RENAME_IN,
  RENAME2_IN,
} from '../fuse/facts.ts';
import type { FuseReply } from '../fuse/reply.ts';
import type { FuseRequest } from '../fuse/request.ts';
import type { Name } from '../host-folder.ts';
import { newFileGiven } from './new-file.ts';
import type { Operations } from './operation.ts';

/** Requests about names: the files at them, now and next. */
export const NAME_OPERATIONS: Operations = [
  [OPCODE.LOOKUP, lookUp, ENTRY_OUT.BYTES],
  [OPCODE.FORGET, forget],
  [OPCODE.BATCH_FORGET, batchForget],
  [OPCODE.MKNOD, makeNode, ENTRY_OUT.BYTES],
  [OPCODE.MKDIR, makeDirectory, ENTRY_OUT.BYTES],
  [OPCODE.SYMLINK, makeLink, ENTRY_OUT.BYTES],
  [OPCODE.LINK, link, ENTRY_OUT.BYTES],
  [OPCODE.UNLINK, unlink],
  [OPCODE.RMDIR, removeDirectory],
  [OPCODE.RENAME, rename],
  [OPCODE.RENAME2, renameWithFlags],
  [OPCODE.READLINK, readLink],
];

function lookUp(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  const found = folder.lookUp(request.node, request.name(0));
  if (found === undefined) addNothing(reply);
  else addEntry(folder, reply, found.node, found.attributes);
}

function forget({ nodes }: SharedFolder, request: FuseRequest): void {
  request.atLeast(FORGET_IN.BYTES);
  nodes.forget(request.node, request.wide(FORGET_IN.LOOKUPS));
}

function batchForget({ nodes }: SharedFolder, request: FuseRequest): void {
  request.atLeast(BATCH_FORGET_IN.BYTES);
  const count = request.word(BATCH_FORGET_IN.COUNT);
  const { BYTES, ONE_BYTES, ONE_NODE, ONE_LOOKUPS } = BATCH_FORGET_IN;
  for (let at = BYTES, left = count; left > 0 && at + ONE_BYTES <= request.bytes; at += ONE_BYTES, left--)
    nodes.forget(request.wide(at + ONE_NODE), request.wide(at + ONE_LOOKUPS));
}

/** Makes a file without opening it. Node can make no other kinds than regular ones. */
function makeNode(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(MKNOD_IN.BYTES);
  const mode = request.word(MKNOD_IN.MODE);
  const place = placeToMake(folder, request, MKNOD_IN.BYTES);
  if ((mode & MODE.KIND) !== MODE.REGULAR) refuse('EPERM');
  const { host } = folder;
  host.close(host.create(place, { read: false, write: true }, mode & MODE.PERMISSIONS));
  answerNewFile(folder, request, reply, place, mode);
}

function makeDirectory(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(MKDIR_IN.BYTES);
  const mode = request.word(MKDIR_IN.MODE);
  const place = placeToMake(folder, request, MKDIR_IN.BYTES);
  folder.host.makeDirectory(place, mode & MODE.PERMISSIONS);
  answerNewFile(folder, request, reply, place, mode);
}

function makeLink(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  const place = placeToMake(folder, request, 0);
  const target = request.text(place.name.length + 1);
  if (target.length > LONGEST_TARGET) refuse('ENAMETOOLONG');
  folder.host.makeLink(place, target);
  answerNewFile(folder, request, reply, place, undefined);
}

function placeToMake(folder: SharedFolder, request: FuseRequest, offset: number): InDirectory {
  const name = request.name(offset);
  folder.checkWritable();
  return folder.inDirectory(request.node, name);
}

/** @param mode the guest's wish; undefined for a symbolic link, which has none */
function answerNewFile(
  folder: SharedFolder,
  request: FuseRequest,
  reply: FuseReply,
  place: InDirectory,
  mode: number | undefined,
): void {
  const attributes = newFileGiven(folder, request, place, mode);
  addEntry(folder, reply, folder.seen(attributes, place.directory, place.name), attributes);
}

/** One more name for a file that the guest knows, at the one that it was last seen at. */
function link(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  request.atLeast(LINK_IN.BYTES);
  const node = folder.nodes.get(request.wide(LINK_IN.NODE));
  const { directory, ...to } = placeToMake(folder, request, LINK_IN.BYTES);
  const { host } = folder;
  host.link(folder.namedPlaceOf(node), to);
  const attributes = host.stat(to);
  if (attributes?.key !== node.key) {
    // The host has put another file where that one was.
    if (attributes !== undefined) host.remove(to);
    refuse('ESTALE');
  }
  addEntry(folder, reply, folder.seen(attributes, directory, to.name), attributes);
}

function unlink(folder: SharedFolder, request: FuseRequest): void {
  const place = placeToMake(folder, request, 0);
  folder.removeName(place, () => folder.host.remove(place));
}

function removeDirectory(folder: SharedFolder, request: FuseRequest): void {
  const place = placeToMake(folder, request, 0);
  folder.removeName(place, () => folder.host.removeDirectory(place));
}

function rename(folder: SharedFolder, request: FuseRequest): void {
  request.atLeast(RENAME_IN.BYTES);
  move(folder, request, request.wide(RENAME_IN.DIRECTORY), RENAME_IN.BYTES, false);
}

/** Of the flags, Node's calls allow the one by which nothing may be replaced, but no exchange of two files. */
function renameWithFlags(folder: SharedFolder, request: FuseRequest): void {
  request.atLeast(RENAME2_IN.BYTES);
  const flags = request.word(RENAME2_IN.FLAGS);
  if ((flags & ~RENAME2_IN.NOREPLACE) !== 0) refuse('EINVAL');
  move(folder, request, request.wide(RENAME2_IN.DIRECTORY), RENAME2_IN.BYTES, flags !== 0);
}

function move(
  folder: SharedFolder,
  request: FuseRequest,
  newDirectory: number,
  namesAt: number,
  mayNotReplace: boolean,
): void {
  const from = placeToMake(folder, request, namesAt);
  const newName: Name = request.name(namesAt + from.name.length + 1);
  const to = folder.inDirectory(newDirectory, newName);
  // To find the second directory may have taken the descriptor of the first.
  const { host, nodes } = folder;
  const moved = host.stat(from) ?? refuse('ENOENT');
  const replaced = host.stat(to);
  if (replaced !== undefined && mayNotReplace) refuse('EEXIST');
  if (replaced?.key === moved.key) {
    // Two names of one file stay as they are.
    host.rename(from, to);
    return;
  }
  if (replaced === undefined) host.rename(from, to);
  else folder.removeName(to, () => host.rename(from, to));
  const node = nodes.find(moved.key);
  if (node !== undefined) nodes.move(node, to.directory, to.name);
}

function readLink(folder: SharedFolder, request: FuseRequest, reply: FuseReply): void {
  const node = folder.nodes.get(request.node);
  const place = folder.namedPlaceOf(node);
  let target: Uint8Array;
  try {
    target = folder.host.readLink(place);
  } catch (error) {
    if (error instanceof FolderError && error.errno === ERRNO.ENOENT) refuse('ESTALE');
    throw error;
  }
  if (folder.host.stat(place)?.key !== node.key) refuse('ESTALE');
  reply.put(reply.add(target.length), target);
}
